import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { TaskClient } from './task-client.ts';

const file = fileURLToPath(new URL('fixture/server.ts', import.meta.url));

/** A server in a process of its own. */
export interface ServerProcess {
	readonly pid: number;
	/** Returns a client of this process. */
	client(user?: string): TaskClient;
	/** Stops the process, as an overloaded machine does, or lets it continue. */
	pause(isPaused: boolean): void;
	/** Ends the process with a signal, by default as a crash does. */
	kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param env `REDIS_URL`, and `TMCP_SESSION_KEYS`, the same for all processes.
 */
export async function startServer(
	env: Readonly<Record<string, string>>,
	command: string = process.execPath,
): Promise<ServerProcess> {
	const child = spawn(command, [file], {
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
	const handler = {
		fetch: (request: Request) =>
			fetch(new Request(new URL('/mcp', `http://127.0.0.1:${port}`), request)),
	};
	return {
		pid: child.pid ?? 0,
		client: (user = 'alice') => new TaskClient(handler, undefined, { 'x-user': user }),
		pause: (isPaused) => void child.kill(isPaused ? 'SIGSTOP' : 'SIGCONT'),
		async kill(signal = 'SIGKILL') {
			child.kill(signal);
			await closed;
		},
	};
}
