import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
	KVInfoSessionManager,
} from '@tmcp/session-manager-durable-objects';
import { HttpTransport } from '@tmcp/transport-http';
import { createServer, transportWorker } from './server.ts';
import type { TransportWorker } from './server.ts';

// Bindings of upstream's own: under our names its objects and records would mix with ours.
export { SyncLayer as UpstreamSyncLayer } from '@tmcp/session-manager-durable-objects';

/** Longer than a broadcast takes. */
const KEEP_ALIVE_MS = 3_000;

/** The Worker of that package's README. */
export function upstream(): TransportWorker {
	return transportWorker(
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
export function upstreamKeptAlive(): {
	fetch(request: Request, env: unknown, context: ExecutionContext): Promise<Response>;
} {
	const worker = upstream();
	return {
		fetch(request, _env, context) {
			if (request.method === 'POST') context.waitUntil(scheduler.wait(KEEP_ALIVE_MS));
			return worker.fetch(request);
		},
	};
}
