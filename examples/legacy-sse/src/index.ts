import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { createKitchenServer } from './kitchen-server.ts';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

// Both handlers share the server and the managers, so that a change reaches clients of either
// transport.
const server = createKitchenServer();
const managers = {
	streams: new DurableObjectStreamSessionManager(),
	info: new KVInfoSessionManager(),
};

const mcp = createMcpHandler(server, {
	...managers,
	subscriptions: new DurableObjectSubscriptionManager(),
});
const sse = createSseHandler(server, managers);

export default {
	fetch(request, env, context) {
		const { pathname } = new URL(request.url);
		// The legacy handler serves /sse and /messages, and returns 404 for other paths.
		return (pathname === '/mcp' ? mcp : sse).fetch(request, env, context);
	},
} satisfies ExportedHandler;
