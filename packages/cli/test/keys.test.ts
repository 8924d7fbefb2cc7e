import { weaknessOf } from '@tmcp-sessions/core/internal';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { run } from './terminal.ts';

describe('keys', () => {
	let folder: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'tmcp-sessions-cli-'));
	});
	afterEach(() => rmSync(folder, { recursive: true }));
	const vars = (): string => readFileSync(join(folder, '.vars'), 'utf8');

	it('new prints a key that the server accepts, another one each time', async () => {
		const keys = [await run(['keys', 'new']), await run(['keys', 'new'])].map(({ stdout }) =>
			stdout.trim(),
		);
		expect(weaknessOf(keys)).toBeUndefined();
		expect(new Set(keys).size).toBe(2);
	});

	it('new writes a file that only its owner reads, and keeps a key that is there', async () => {
		const args = ['keys', 'new', '--file=.vars'];
		const { stdout } = await run(args, { folder });
		const [, key = ''] = /^TMCP_SESSION_KEYS=(.+)\n$/.exec(vars()) ?? [];
		expect(weaknessOf([key])).toBeUndefined();
		expect(stdout).not.toContain(key);
		expect(statSync(join(folder, '.vars')).mode & 0o077).toBe(0);
		const again = await run(args, { folder });
		expect(again.exitCode).toBe(2);
		expect(vars()).toContain(key);
	});

	it('rotate takes three steps in a file: adds a key, swaps both, removes the old one', async () => {
		await run(['keys', 'new', '--file=.vars'], { folder });
		writeFileSync(join(folder, '.vars'), `# Keep\n${vars()}OTHER=1\n`);
		const values: string[][] = [];
		const read = (): void => {
			const [, value = ''] = /^TMCP_SESSION_KEYS="?([^"\n]+)/m.exec(vars()) ?? [];
			values.push(value.split(' '));
		};
		read();
		for (const step of [1, 2, 3]) {
			const { exitCode, stdout } = await run(['keys', 'rotate', `--step=${step}`, '--file=.vars'], {
				folder,
			});
			expect({ exitCode, stdout }).toMatchObject({
				exitCode: 0,
				stdout: expect.stringContaining(`Step ${step} of 3: changed .vars.`),
			});
			read();
		}
		const [[old] = [], [, added] = []] = values;
		expect(values).toEqual([[old], [old, added], [added, old], [added]]);
		expect(vars()).toMatch(/^# Keep\nTMCP_SESSION_KEYS=.+\nOTHER=1\n$/);
	});

	it('rotate prints the value alone, for a pipe', async () => {
		const key = (await run(['keys', 'new'])).stdout.trim();
		const env = { TMCP_SESSION_KEYS: key };
		const { stderr, stdout } = await run(['keys', 'rotate', '--step=1'], { env });
		expect(stdout).toMatch(/^\S{44} \S{44}$/);
		expect(stderr).toMatch(/^Step 1 of 3\./);
		expect(stderr).not.toContain(key);
	});

	it.each([
		['2', 1, 'step 2 starts with the two keys of step 1; found 1'],
		[
			'1',
			2,
			'step 1 starts with one key; found 2. If it has been deployed, continue with --step 2',
		],
	])('rotate rejects step %s with %i keys', async (step, count, message) => {
		const keys = Array.from({ length: count }, () => run(['keys', 'new']));
		const value = (await Promise.all(keys)).map(({ stdout }) => stdout.trim()).join(' ');
		const env = { TMCP_SESSION_KEYS: value };
		const { exitCode, stderr } = await run(['keys', 'rotate', `--step=${step}`], { env });
		expect(exitCode).toBe(2);
		expect(stderr).toContain(message);
	});

	it('rotate refuses a weak key without showing it', async () => {
		const env = { TMCP_SESSION_KEYS: 'hunter2' };
		const { exitCode, stderr } = await run(['keys', 'rotate', '--step=1'], { env });
		expect(exitCode).toBe(2);
		expect(stderr).toContain('session keys need at least 32 characters; got one of 7 characters');
		expect(stderr).not.toContain('hunter2');
	});
});
