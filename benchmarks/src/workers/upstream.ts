import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
	KVInfoSessionManager,
} from '@tmcp/session-manager-durable-objects';
import { HttpTransport } from '@tmcp/transport-http';
import { createServer } from './server.ts';
import { createWorker } from './transport-worker.ts';
import type { TransportWorker } from './transport-worker.ts';

// Bindings of upstream's own: under our names its objects and records would mix with ours.
export { SyncLayer as UpstreamSyncLayer } from '@tmcp/session-manager-durable-objects';

/** Longer than a broadcast takes. */
const KEEP_ALIVE_MS = 3_000;

/** The Worker of that package's README, created at the first request because it connects at once. */
export function createUpstream(): TransportWorker {
	return createWorker(
		() =>
			new HttpTransport(createServer(), {
				path: '/mcp',
				sessionManager: {
					streams: new DurableObjectStreamSessionManager('UPSTREAM_DURABLE_OBJECT'),
					info: new KVInfoSessionManager('UPSTREAM_SESSION_INFO'),
				},
				subscriptionManager: new DurableObjectSubscriptionManager('UPSTREAM_DURABLE_OBJECT'),
			}),
	);
}

/**
 * The same with each POST kept alive after its response. As published, the transport does not await
 * its publications, workerd cancels them with the request, and nearly all notifications are lost.
 */
export function createUpstreamKeptAlive(): {
	fetch(request: Request, env: unknown, context: ExecutionContext): Promise<Response>;
} {
	const upstream = createUpstream();
	return {
		fetch(request, _env, context) {
			if (request.method === 'POST') {
				context.waitUntil(new Promise((resolve) => setTimeout(resolve, KEEP_ALIVE_MS)));
			}
			return upstream.fetch(request);
		},
	};
}
