import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { newCallStream } from '@tmcp-sessions/core/internal';
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
const FRAME =
	'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n\n';

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
 * Our handler, with more paths that fill its store: `/sessions?from=&count=` creates idle sessions,
 * `/subscribers` with the same parameters creates subscribers of the resource. A third, `/frames` with
 * `session=` and `each=` too, keeps so many frames of a call at a time.
 */
export function createGrowing(
	createInfo: () => StoredInfoSessionManager,
): Pick<McpHandler, 'fetch'> {
	const info = createInfo();
	const streams = new DurableObjectStreamSessionManager();
	const handler = handlerWith(info, streams);
	let keptCall: string | undefined;
	return {
		async fetch(request, env, context) {
			const { pathname, searchParams } = new URL(request.url);
			if (pathname === '/mcp') return handler.fetch(request, env, context);
			const [from, count] = [Number(searchParams.get('from')), Number(searchParams.get('count'))];
			if (pathname === '/frames') {
				const session = searchParams.get('session') ?? '';
				const each = Number(searchParams.get('each'));
				keptCall ??= newCallStream(1) ?? '';
				for (let first = from; first < from + count; first += each) {
					const frames = Array.from({ length: Math.min(each, from + count - first) }, () => FRAME);
					await streams.keepCall(session, { stream: keptCall, first, frames, isComplete: false });
				}
				return new Response();
			}
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

function handlerWith(
	info: StoredInfoSessionManager,
	streams = new DurableObjectStreamSessionManager(),
): McpHandler {
	return createMcpHandler(createServer(), {
		streams,
		info,
		subscriptions: new DurableObjectSubscriptionManager(),
	});
}
