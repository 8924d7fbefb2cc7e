// Workers that do only part of the work of a session manager: their speed is an upper limit.
import { env } from 'cloudflare:workers';
import { sumResponse } from '../client/mcp-requests.ts';

interface Worker {
	fetch(request: Request): Response | Promise<Response>;
}

const record = '{"clientInfo":{"name":"benchmark","version":"1.0.0"}}';

/** Answers with a constant: what workerd itself costs. */
export function createBareWorker(): Worker {
	return {
		fetch: (request) => (isCall(request) ? toolResponse() : sessionResponse(crypto.randomUUID())),
	};
}

/** Reads one record of the session in KV. */
export function createKvReader(): Worker {
	return {
		async fetch(request) {
			const session = request.headers.get('mcp-session-id');
			if (session !== null) {
				const stored = await env.TMCP_SESSION_INFO.get(session);
				return stored === record ? toolResponse() : notFound();
			}
			const opened = crypto.randomUUID();
			await env.TMCP_SESSION_INFO.put(opened, record);
			return sessionResponse(opened);
		},
	};
}

/** Sends one RPC to an object that all sessions share. */
export function createObjectCaller(): Worker {
	return {
		async fetch(request) {
			if (!isCall(request)) return sessionResponse(crypto.randomUUID());
			const result = await env.BARE_OBJECT.getByName('bare').constant();
			return result === 'constant' ? toolResponse() : notFound();
		},
	};
}

/** Reads one row of the session in an object that all sessions share. */
export function createRowReader(): Worker {
	return {
		async fetch(request) {
			const object = env.BARE_OBJECT.getByName('bare');
			const session = request.headers.get('mcp-session-id');
			if (session !== null) {
				const stored = await object.read(session);
				return stored === record ? toolResponse() : notFound();
			}
			const opened = crypto.randomUUID();
			await object.write(opened, record);
			return sessionResponse(opened);
		},
	};
}

/** Sends one RPC to the session's own object. */
export function createSessionObjectCaller(): Worker {
	return {
		async fetch(request) {
			const session = request.headers.get('mcp-session-id');
			if (session === null) return sessionResponse(crypto.randomUUID());
			const result = await env.BARE_OBJECT.getByName(session).constant();
			return result === 'constant' ? toolResponse() : notFound();
		},
	};
}

/** Forwards each request to tmcp's own transport in the session's object. */
export function createTransportRouter(): Worker {
	return {
		fetch(request) {
			const objects = env.TRANSPORT_OBJECT;
			const session = request.headers.get('mcp-session-id');
			const id = session === null ? objects.newUniqueId() : objects.idFromString(session);
			return objects.get(id).fetch(request);
		},
	};
}

/** Whether a request belongs to a session or to 2026-07-28, and so does not open a session. */
function isCall({ headers }: Request): boolean {
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

function notFound(): Response {
	return new Response(null, { status: 404 });
}
