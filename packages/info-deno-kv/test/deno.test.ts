import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const deno = fileURLToPath(new URL('../node_modules/.bin/deno', import.meta.url));

it('passes the cases of the session store and of the state store on Deno', async () => {
	const args = ['run', '-A', '--no-check', '--cached-only', 'deno-contract.ts'];
	const { stdout } = await promisify(execFile)(deno, args, { cwd: here });
	expect(stdout).not.toContain('FAILED');
	expect(stdout).toMatch(/^(\d+) of \1 passed$/m);
}, 120_000);
