import { createMcpHandler } from '@tmcp-sessions/http';
import {
	InMemoryInfoSessionManager,
	InMemoryStreamSessionManager,
	InMemorySubscriptionManager,
} from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { createServer, transportWorker } from './server.ts';
import type { TransportWorker } from './server.ts';

const KEEP_ALIVE_MS = 25_000;

/** Unmodified tmcp with its managers in memory. */
export function memoryTransport(): TransportWorker {
	return transportWorker(() => new HttpTransport(createServer(), { path: '/mcp' }));
}

/**
 * The same with a timer for each stream. Without any I/O, workerd ends the request of an idle stream
 * as hung.
 */
export function memoryKeptAlive(): TransportWorker {
	const worker = memoryTransport();
	return {
		fetch(request) {
			if (request.method === 'GET') setInterval(() => {}, KEEP_ALIVE_MS);
			return worker.fetch(request);
		},
	};
}

/** `http` around the same managers, which shows the cost of the handler. */
export function memoryHandler(): ReturnType<typeof createMcpHandler> {
	return createMcpHandler(createServer(), {
		streams: new InMemoryStreamSessionManager(),
		info: new InMemoryInfoSessionManager(),
		subscriptions: new InMemorySubscriptionManager(),
	});
}
