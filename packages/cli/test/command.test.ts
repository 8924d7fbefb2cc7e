import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { run } from './terminal.ts';
import { workerFiles, WorkerProject } from './worker-project.ts';

describe('the command line', () => {
	it.each([
		[['--help'], ['doctor', 'probe', 'keys']],
		[
			['probe', '--help'],
			['--expect-hash', '--watch', '--junit'],
		],
		[
			['doctor', '-h'],
			['--fix', '--json'],
		],
		[
			['keys', '--help'],
			['new', 'rotate'],
		],
		[
			['keys', 'rotate', '--help'],
			['--step', '--file'],
		],
	])('explains %s without colours', async (args, words) => {
		const { exitCode, stderr, stdout } = await run(args);
		expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
		for (const word of words) expect(stdout).toContain(word);
		expect(stdout).not.toContain('\u001B');
	});

	it('prints its version', async () => {
		expect(await run(['--version'])).toEqual({ exitCode: 0, stdout: '1.2.3\n', stderr: '' });
	});

	it.each([
		[[], 'tmcp-sessions needs a command: '],
		[['prove'], 'unknown command prove: expected one of '],
		[['keys', 'old'], 'unknown command old: expected one of new, rotate'],
		[['probe'], 'Missing required positional argument: URL'],
		[['keys', 'rotate', '--step=4'], 'Expected one of'],
	])('rejects %s with exit code 2', async (args, message) => {
		const { exitCode, stderr } = await run(args);
		expect(exitCode).toBe(2);
		expect(stderr).toContain(message);
	});

	it('prints the error as JSON with --json', async () => {
		const { exitCode, stdout } = await run(['keys', 'rotate', '--step=1', '--json']);
		expect(exitCode).toBe(2);
		expect(JSON.parse(stdout)).toEqual({
			error: 'set TMCP_SESSION_KEYS to the current value, or name its file with --file',
		});
	});

	it('ends with exit code 130 at Ctrl-C', async () => {
		const server = createServer(() => {}).listen(0, '127.0.0.1');
		await once(server, 'listening');
		// Safe because the server listens on a port.
		const { port } = server.address() as AddressInfo;
		const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
		const child = spawn(process.execPath, [bin, 'probe', `http://127.0.0.1:${port}/mcp`]);
		await once(server, 'request');
		child.kill('SIGINT');
		const [exitCode] = await once(child, 'exit');
		server.closeAllConnections();
		server.close();
		expect(exitCode).toBe(130);
	});

	it.each([['doctor', '.'], ['keys', 'new'], ['--help']])(
		'ends without a message when the reader of %s closes the output',
		async (...args) => {
			using project = new WorkerProject({ ...workerFiles, '.dev.vars': '' });
			const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
			const child = spawn(process.execPath, [bin, ...args], { cwd: project.folder });
			child.stdout.destroy();
			let printed = '';
			child.stderr.on('data', (data) => (printed += String(data)));
			const [exitCode] = await once(child, 'close');
			expect({ exitCode, printed }).toEqual({ exitCode: 0, printed: '' });
		},
	);
});
