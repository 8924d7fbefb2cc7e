import { fileURLToPath } from 'node:url';

import { startServerProcess } from '@tmcp-sessions/testkit/redis';

import { TaskClient } from '@tmcp-sessions/testkit/task-client';

const file = fileURLToPath(new URL('fixture/server.ts', import.meta.url));

/** A server in a separate process. */
export interface ServerProcess {
	readonly pid: number;
	/** Sends requests to this process. */
	readonly handler: { fetch(request: Request): Promise<Response> };
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
	[command, ...args]: readonly [string, ...string[]] = [process.execPath],
): Promise<ServerProcess> {
	const server = await startServerProcess(file, { env, command, args });
	const handler = {
		fetch: (request: Request) => fetch(new Request(new URL('/mcp', server.url), request)),
	};
	return {
		pid: server.pid,
		handler,
		client: (user = 'alice') => new TaskClient(handler, undefined, { 'x-user': user }),
		pause: (isPaused) => server.signal(isPaused ? 'SIGSTOP' : 'SIGCONT'),
		kill: (signal) => server.kill(signal),
	};
}
