import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/index.ts', import.meta.url));

it('writes a Worker into a new folder', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'create-tmcp-sessions-'));
	try {
		const args = [main, 'my-server', '--yes'];
		const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
		expect(stdout).toContain('npx wrangler dev');
		expect(readdirSync(join(folder, 'my-server')).toSorted()).toEqual([
			'.dev.vars',
			'.gitignore',
			'package.json',
			'src',
			'test',
			'tsconfig.json',
			'wrangler.jsonc',
		]);
	} finally {
		rmSync(folder, { recursive: true });
	}
});
