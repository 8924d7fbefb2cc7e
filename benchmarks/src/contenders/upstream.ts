import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
	KVInfoSessionManager,
} from '@tmcp/session-manager-durable-objects';
import { HttpTransport } from '@tmcp/transport-http';
import { createServer } from './server.ts';
import { serve } from './serve-transport.ts';

/** The Worker of that package's README, except that it is made at the first request: it connects at once. */
export default serve(
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
