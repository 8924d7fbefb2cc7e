// Workers that do only part of the work of a session manager: their speed is an upper limit.
import { env } from 'cloudflare:workers';
import { sumResponse } from '../client/mcp.ts';

interface Worker {
	fetch(request: Request): Response | Promise<Response>;
}

const record = '{"clientInfo":{"name":"benchmark","version":"1.0.0"}}';
const bareObject = (name = 'bare') => env.BARE_OBJECT.getByName(name);

/** Answers with a constant: what workerd itself costs. */
export const bareWorker = (): Worker => ({
	fetch: ({ headers }) => (isCall(headers) ? toolResponse() : sessionResponse(crypto.randomUUID())),
});

/** Reads one record of the session in KV. */
export const kvReader = (): Worker =>
	limitOf(
		record,
		(session) => env.TMCP_SESSION_INFO.get(session),
		(session) => env.TMCP_SESSION_INFO.put(session, record),
	);

/** Sends one RPC to an object that all sessions share. */
export const objectCaller = (): Worker => limitOf('constant', () => bareObject().constant());

/** Sends one RPC to the session's own object. */
export const sessionObjectCaller = (): Worker =>
	limitOf('constant', (session) => bareObject(session).constant());

/** Creates a Worker that answers a call if `call` returns what is expected. */
function limitOf(
	expected: string,
	call: (session: string) => Promise<unknown>,
	open?: (session: string) => Promise<unknown>,
): Worker {
	return {
		async fetch({ headers }) {
			if (isCall(headers)) {
				const found = await call(headers.get('mcp-session-id') ?? '');
				return found === expected ? toolResponse() : new Response(null, { status: 404 });
			}
			const session = crypto.randomUUID();
			await open?.(session);
			return sessionResponse(session);
		},
	};
}

/** Whether a request belongs to a session or to 2026-07-28, and so does not open a session. */
function isCall(headers: Headers): boolean {
	return headers.has('mcp-session-id') || headers.has('mcp-method');
}

/** Returns the transport's response to a tool call without the work that leads to it. */
function toolResponse(): Response {
	return new Response(sumResponse, { headers: { 'content-type': 'text/event-stream' } });
}

/** Returns the least that a client needs from `initialize`. */
function sessionResponse(id: string): Response {
	return Response.json({ result: { serverInfo: {} } }, { headers: { 'mcp-session-id': id } });
}
