import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { HttpTransport } from '@tmcp/transport-http';
import { changingUri } from '../client/mcp.ts';
import { createServer, transportWorker } from './server.ts';
import type { TransportWorker } from './server.ts';

const HOUR_MS = 3_600_000;
const CONCURRENCY = 100;

/** Our managers behind our handler. */
export function createHandler(createInfo: () => StoredInfoSessionManager): McpHandler {
	return handlerWith(createInfo());
}

/** Our managers behind tmcp's transport, with nothing around it. */
export function createBare(createInfo: () => StoredInfoSessionManager): TransportWorker {
	return transportWorker(
		() =>
			new HttpTransport(createServer(), {
				path: '/mcp',
				sessionManager: { streams: new DurableObjectStreamSessionManager(), info: createInfo() },
				subscriptionManager: new DurableObjectSubscriptionManager(),
			}),
	);
}

/**
 * Our handler, with two more paths that fill its store: `/sessions?from=&count=` creates idle sessions,
 * `/subscribers` with the same parameters creates subscribers of the resource.
 */
export function createGrowing(
	createInfo: () => StoredInfoSessionManager,
): Pick<McpHandler, 'fetch'> {
	const info = createInfo();
	const handler = handlerWith(info);
	return {
		async fetch(request, env, context) {
			const { pathname, searchParams } = new URL(request.url);
			if (pathname === '/mcp') return handler.fetch(request, env, context);
			const [from, count] = [Number(searchParams.get('from')), Number(searchParams.get('count'))];
			const fill = async (index: number): Promise<void> => {
				const expiresAtMs = Date.now() + HOUR_MS;
				const id = `filled-${index}`;
				if (pathname === '/subscribers') await info.store.subscribe(id, changingUri, expiresAtMs);
				else await info.store.create(id, { createdAtMs: Date.now(), expiresAtMs });
			};
			for (let at = from; at < from + count; at += CONCURRENCY) {
				const batch = Array.from({ length: Math.min(CONCURRENCY, from + count - at) });
				await Promise.all(batch.map((_, index) => fill(at + index)));
			}
			return new Response();
		},
	};
}

function handlerWith(info: StoredInfoSessionManager): McpHandler {
	return createMcpHandler(createServer(), {
		streams: new DurableObjectStreamSessionManager(),
		info,
		subscriptions: new DurableObjectSubscriptionManager(),
	});
}
