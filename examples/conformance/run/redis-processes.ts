import { fileURLToPath } from 'node:url';
import { startServerPair } from '@tmcp-sessions/testkit/redis';
import type { ConformanceServers } from './conformance-servers.ts';

const file = fileURLToPath(new URL('redis-server.ts', import.meta.url));

/** Starts the server in two processes of Node.js over one Redis. */
export function startRedisProcesses(onLog: (line: string) => void): Promise<ConformanceServers> {
	return startServerPair(file, onLog);
}
