import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { createKitchenServer } from './kitchen-server.ts';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

// One server and one set of managers: what one client changes, all hear of, whatever they speak.
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
		// /sse and /messages; to everything else it says 404.
		return (pathname === '/mcp' ? mcp : sse).fetch(request, env, context);
	},
} satisfies ExportedHandler;
