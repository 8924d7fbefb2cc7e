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

// Whom the middleware below let pass: tools see them, sessions are theirs.
// Sound: nothing else calls these handlers, and what it puts there is a Caller.
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

// The same for a server whose tools remember: it lives in an object of each user's client.
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

const signedIn = bearerAuth<App>({
	verifyToken: async (token, c) => {
		const caller = await callerOfToken(token, c.env);
		if (caller) c.set('caller', caller);
		return caller !== null;
	},
});
const served =
	(handler: McpHandler) =>
	(c: Context<App>): Promise<Response> =>
		handler.fetch(c.req.raw, c.env, {
			waitUntil: (work) => c.executionCtx.waitUntil(work),
			props: c.get('caller'),
		});

app.all('/mcp', signedIn, served(mcp));
app.all('/guestbook', signedIn, served(guestbook));

// The rest of the app: pages, webhooks, an API.
app.get('/', (c) => c.text('This is an MCP server. Its endpoints are /mcp and /guestbook.'));

export default app;
