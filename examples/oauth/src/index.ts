import { OAuthProvider } from '@cloudflare/workers-oauth-provider';
import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { env } from 'cloudflare:workers';
import { authorize } from './authorize.ts';
import { authOf, principalOf } from './caller.ts';
import { createDoorServer } from './door-server.ts';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

/** The variables and secrets of wrangler.jsonc that the example reads itself. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly PUBLIC_ORIGIN: string;
			readonly DEMO_ACCOUNTS: string;
		}
	}
}

const mcp = createMcpHandler(createDoorServer(), {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
	// The provider below has verified the token; pass its owner to tools and sessions.
	oauth: { verify: async (_request, context) => authOf(context) },
	principal: (_request, auth) => principalOf(auth),
	// A page of any origin may use the server with a token of its user.
	cors: true,
});

export default new OAuthProvider({
	apiRoute: '/mcp',
	apiHandler: mcp,
	defaultHandler: { fetch: authorize },
	authorizeEndpoint: '/authorize',
	tokenEndpoint: '/token',
	clientRegistrationEndpoint: '/register',
	resourceMetadata: {
		resource: `${env.PUBLIC_ORIGIN}/mcp`,
		authorization_servers: [env.PUBLIC_ORIGIN],
		resource_name: 'Door',
	},
});
