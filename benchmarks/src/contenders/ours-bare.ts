import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { HttpTransport } from '@tmcp/transport-http';
import { createServer } from './server.ts';
import { serve } from './serve-transport.ts';

export default serve(
	() =>
		new HttpTransport(createServer(), {
			path: '/mcp',
			sessionManager: {
				streams: new DurableObjectStreamSessionManager(),
				info: new KVInfoSessionManager(),
			},
			subscriptionManager: new DurableObjectSubscriptionManager(),
		}),
);
