import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, OAuthHelper } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { createSessionRouter } from '@tmcp-sessions/session-object';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { callerOfToken, principalOf } from './caller.ts';
import type { Caller, Env } from './caller.ts';
import { createDoorServer } from './door-server.ts';

export { Guestbook } from './guestbook.ts';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

// Passes the caller that the middleware below authenticated to tools and sessions.
// Safe because only `serve` calls these handlers, and it sets `props` to a Caller.
const oauth: OAuthHelper = {
	verify: async (_request, context) => (context?.props ?? null) as Caller | null,
};

const mcp = createMcpHandler(createDoorServer(), {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
	oauth,
	principal: (_request, auth) => principalOf(auth),
});

// A server with state, in one object for each client of a user.
const guestbook = createSessionRouter({
	object: 'GUESTBOOK',
	path: '/guestbook',
	oauth,
	identify: (_request, auth) => {
		const owner = principalOf(auth);
		return owner && { workspaceId: owner.subject, clientId: owner.client };
	},
});

interface App {
	Bindings: Env;
	Variables: { caller: Caller };
}

const app = new Hono<App>();

const authenticate = bearerAuth<App>({
	verifyToken: async (token, c) => {
		const caller = await callerOfToken(token, c.env);
		if (caller) c.set('caller', caller);
		return caller !== null;
	},
});
const serve =
	(handler: McpHandler) =>
	(c: Context<App>): Promise<Response> =>
		handler.fetch(c.req.raw, c.env, {
			waitUntil: (promise) => c.executionCtx.waitUntil(promise),
			props: c.get('caller'),
		});

app.all('/mcp', authenticate, serve(mcp));
app.all('/guestbook', authenticate, serve(guestbook));

// The other routes of the app: pages, webhooks, an API.
app.get('/', (c) => c.text('This is an MCP server. Its endpoints are /mcp and /guestbook.'));

export default app;
