import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { Hono } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { callerOfToken, principalOf } from './caller.ts';
import type { Caller } from './caller.ts';
import { createDoorServer } from './door-server.ts';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

const mcp = createMcpHandler(createDoorServer(), {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
	// Whom the middleware below let pass: tools see them, sessions are theirs.
	// Sound: nothing else calls this handler, and what it puts there is a Caller.
	oauth: { verify: async (_request, context) => (context?.props ?? null) as Caller | null },
	principal: (_request, auth) => principalOf(auth),
});

interface App {
	Bindings: Env;
	Variables: { caller: Caller };
}

const app = new Hono<App>();

app.use(
	'/mcp',
	bearerAuth<App>({
		verifyToken: async (token, c) => {
			const caller = await callerOfToken(token, c.env);
			if (caller) c.set('caller', caller);
			return caller !== null;
		},
	}),
);
app.all('/mcp', (c) =>
	mcp.fetch(c.req.raw, c.env, {
		waitUntil: (work) => c.executionCtx.waitUntil(work),
		props: c.get('caller'),
	}),
);

// The rest of the app: pages, webhooks, an API.
app.get('/', (c) => c.text('This is an MCP server. Its endpoint is /mcp.'));

export default app;
