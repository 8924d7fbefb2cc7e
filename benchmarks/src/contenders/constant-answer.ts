import { sumAnswer } from '../mcp-requests.ts';

/** The answer to a tool call as the transport gives it, without the work that leads to it. */
export function constantAnswer(): Response {
	return new Response(sumAnswer, { headers: { 'content-type': 'text/event-stream' } });
}

/** What an answer to `initialize` must have. */
export function openedSession(id: string): Response {
	return Response.json({ result: { serverInfo: {} } }, { headers: { 'mcp-session-id': id } });
}

/** Whether a request is of a session or of 2026-07-28, and so none that opens a session. */
export function isCall({ headers }: Request): boolean {
	return headers.has('mcp-session-id') || headers.has('mcp-method');
}
