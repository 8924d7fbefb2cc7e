import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('fixture/server.ts', import.meta.url));

/** A server in a process of its own. */
export interface ServerProcess {
	readonly url: URL;
	/** Returns how many calls of `wait` were cancelled in this process. */
	cancelled(): Promise<number>;
	/** Kills the process, as a crash does. */
	kill(): Promise<void>;
}

/** @param env `REDIS_URL`, and `TMCP_SESSION_KEYS`, the same for all processes. */
export async function startServer(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
	const child = spawn(process.execPath, [file], {
		env: { ...process.env, ...env },
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const closed = once(child, 'close');
	const [line] = (await Promise.race([
		once(createInterface(child.stdout), 'line'),
		closed.then(() => ['ended before it listened']),
	])) as [string]; // Safe because a line is a text.
	const port = /^listening on (\d+)$/.exec(line)?.[1];
	if (port === undefined) throw new Error(`the server ${line}`);
	const url = new URL(`http://127.0.0.1:${port}/mcp`);
	return {
		url,
		cancelled: async () => Number(await (await fetch(new URL('/cancelled', url))).text()),
		async kill() {
			child.kill('SIGKILL');
			await closed;
		},
	};
}
