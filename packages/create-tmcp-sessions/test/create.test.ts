import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/index.ts', import.meta.url));

const FILES = [
	'.dev.vars',
	'.gitignore',
	'package.json',
	'src',
	'test',
	'tsconfig.json',
	'wrangler.jsonc',
];

/** Runs a command in a new folder. */
async function inNewFolder(
	command: string,
	args: readonly string[],
	check: (folder: string, stdout: string) => void,
): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), 'create-tmcp-sessions-'));
	try {
		const options = { cwd: folder, timeout: 30_000 };
		const { stdout } = await promisify(execFile)(command, args, options);
		check(folder, stdout);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

it('writes a Worker into a new folder', () =>
	inNewFolder(process.execPath, [main, 'my-server', '--yes'], (folder, stdout) => {
		expect(stdout).toContain('npx wrangler dev');
		expect(readdirSync(join(folder, 'my-server')).toSorted()).toEqual(FILES);
	}));

/** Runs a command in a network namespace without a network, not even the loopback interface. */
const ALONE = ['--net', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
const canBeAlone = spawnSync('unshare', [...ALONE, 'true']).status === 0;

it.skipIf(!canBeAlone)('writes every file and says what to do next without a network', () => {
	const command = [process.execPath, main, 'my-server', '--runtime', 'node', '--yes'];
	return inNewFolder('unshare', [...ALONE, ...command], (folder, stdout) => {
		expect(stdout).toMatch(/Next:\n\n {2}cd \S+my-server\n {2}npm install\n {2}npm run dev\n/);
		const written = [...stdout.matchAll(/^create {2}(\S+)$/gm)].map(([, path = '']) => path);
		expect(written).toContain('package.json');
		for (const path of written) {
			expect(readFileSync(join(folder, 'my-server', path), 'utf8')).toMatch(/\n$/);
		}
	});
});
