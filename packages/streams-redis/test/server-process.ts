import { fileURLToPath } from 'node:url';

import { startServerProcess } from '@tmcp-sessions/testkit/redis';

const file = fileURLToPath(new URL('fixture/server.ts', import.meta.url));

/** A server in a separate process. */
export interface ServerProcess {
	readonly url: URL;
	/** Returns how many calls of `wait` were cancelled in this process. */
	cancelled(): Promise<number>;
	/** Kills the process, as a crash does. */
	kill(): Promise<void>;
}

/** @param env `REDIS_URL`, and `TMCP_SESSION_KEYS`, the same for all processes. */
export async function startServer(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
	const { kill, url } = await startServerProcess(file, { env });
	return {
		url: new URL('/mcp', url),
		cancelled: async () => Number(await (await fetch(new URL('/cancelled', url))).text()),
		kill: () => kill(),
	};
}
