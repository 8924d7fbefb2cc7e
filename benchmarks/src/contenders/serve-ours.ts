import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { HttpTransport } from '@tmcp/transport-http';
import type { InfoSessionManager } from '@tmcp/session-manager';
import { createServer } from './server.ts';
import { serve } from './serve-transport.ts';

/** Our managers through our handler. */
export function serveOurs(info: InfoSessionManager): McpHandler {
	return createMcpHandler(createServer(), {
		streams: new DurableObjectStreamSessionManager(),
		info,
		subscriptions: new DurableObjectSubscriptionManager(),
	});
}

/** Our managers with nothing around tmcp's transport. */
export function serveOursBare(info: () => InfoSessionManager): ReturnType<typeof serve> {
	return serve(
		() =>
			new HttpTransport(createServer(), {
				path: '/mcp',
				sessionManager: { streams: new DurableObjectStreamSessionManager(), info: info() },
				subscriptionManager: new DurableObjectSubscriptionManager(),
			}),
	);
}
