import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startConformanceServers } from '../run/conformance-servers.ts';
import type { ConformanceServers } from '../run/conformance-servers.ts';
import { startTurnTakingProxy } from '../run/turn-taking-proxy.ts';
import type { TurnTakingProxy } from '../run/turn-taking-proxy.ts';

const run = promisify(execFile);
const manifest = createRequire(import.meta.url).resolve(
	'@modelcontextprotocol/inspector/package.json',
);
const program = join(dirname(manifest), 'clients/launcher/build/index.js');

let workers: ConformanceServers;
let proxy: TurnTakingProxy;
beforeAll(async () => {
	workers = await startConformanceServers('managers');
	proxy = await startTurnTakingProxy([workers.url('a'), workers.url('b')]);
});
afterAll(async () => {
	await proxy.close();
	await workers.stop();
});

/** Calls a tool with the command line of the Inspector. Resolves with what it prints, also if it fails. */
async function call(tool: string, era: 'legacy' | 'modern'): Promise<string> {
	const url = new URL('/mcp', proxy.url).href;
	const command = [program, '--cli', url, '--transport', 'http', '--protocol-era', era];
	try {
		const options = ['--method', 'tools/call', '--tool-name', tool];
		const { stdout } = await run(process.execPath, [...command, ...options], { timeout: 60_000 });
		return stdout;
	} catch (error) {
		const { stderr, stdout } = error as { stderr: string; stdout: string };
		return stdout + stderr;
	}
}

// The session-based one with the tasks of 2025-11-25. Without them, and without the extension, the call
// would be rejected.
it.each(['modern', 'legacy'] as const)(
	'lets the Inspector in its %s era run a tool that runs only as a task, on two isolates',
	async (era) => {
		expect(await call('failing_job', era)).toContain('The job failed');
	},
	60_000,
);
