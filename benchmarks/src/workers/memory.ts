import { createMcpHandler } from '@tmcp-sessions/http';
import {
	InMemoryInfoSessionManager,
	InMemoryStreamSessionManager,
	InMemorySubscriptionManager,
} from '@tmcp/session-manager';
import { HttpTransport } from '@tmcp/transport-http';
import { env } from 'cloudflare:workers';
import { createServer, transportWorker } from './server.ts';
import type { TransportWorker } from './server.ts';

/** Unmodified tmcp with its managers in memory. */
export function memoryTransport(): TransportWorker {
	return transportWorker(() => new HttpTransport(createServer(), { path: '/mcp' }));
}

/** The same after one RPC: the limit of every design that sends one RPC per call to tmcp's transport. */
export function memoryTransportAfterRpc(): TransportWorker {
	const worker = memoryTransport();
	return {
		async fetch(request) {
			await env.BARE_OBJECT.getByName('bare').constant();
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
