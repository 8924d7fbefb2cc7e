import { createMcpHandler } from '@tmcp-sessions/http';
import {
	InMemoryInfoSessionManager,
	InMemoryStreamSessionManager,
	InMemorySubscriptionManager,
} from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { createServer, transportWorker } from './server.ts';
import type { TransportWorker } from './server.ts';

/** Unmodified tmcp with its managers in memory. */
export function memoryTransport(): TransportWorker {
	return transportWorker(() => new HttpTransport(createServer(), { path: '/mcp' }));
}

/** `http` around the same managers, which shows the cost of the handler. */
export function memoryHandler(): ReturnType<typeof createMcpHandler> {
	return createMcpHandler(createServer(), {
		streams: new InMemoryStreamSessionManager(),
		info: new InMemoryInfoSessionManager(),
		subscriptions: new InMemorySubscriptionManager(),
	});
}
