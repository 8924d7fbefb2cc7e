import { messageFrame } from '@tmcp-sessions/core/backend';

import type { AnswerHeaders } from '../endpoint/handler-seams.ts';
import { isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { MISSING_CAPABILITY } from '../validation/stateless-requests.ts';

/** What the transport's answers have. */
const STREAM_HEADERS = {
	'content-type': 'text/event-stream',
	'cache-control': 'no-cache',
	connection: 'keep-alive',
	'x-accel-buffering': 'no',
};

/** An answer that the transport was not needed for, as it would have given it. */
export function directResponse(response: JsonObject, work: RequestContext): Response {
	const { responseType, publicSessionId: id } = work;
	// There is no session, where a request fails.
	const session = id !== '' && response.error === undefined ? { 'mcp-session-id': id } : {};
	if (responseType === 'sse') {
		return made(work, messageFrame(response), 200, { ...STREAM_HEADERS, ...session });
	}
	const headers = { ...STREAM_HEADERS, 'content-type': 'application/json', ...session };
	return made(work, JSON.stringify(response), 200, headers);
}

/**
 * The response to a call whose answer is there, and was kept from the transport's stream: nobody has
 * to read that. `undefined` where there is no such answer. Its status has not gone out, so that an
 * error can have its own.
 */
export function completeResponse(answer: Response, work: RequestContext): Response | undefined {
	const { response, responseType } = work;
	if (!response) return undefined;
	if (responseType === 'json' || isRefused(response, work))
		return jsonAnswer(answer, response, work);
	return made(work, messageFrame(response), answer.status, headersOf(answer, response));
}

/** A complete answer as JSON. */
export function jsonAnswer(answer: Response, message: JsonObject, work: RequestContext): Response {
	const headers = new Headers(headersOf(answer, message));
	headers.set('Content-Type', 'application/json');
	return made(work, JSON.stringify(message), isRefused(message, work) ? 400 : 200, headers);
}

/** Whether a client of the stateless era lacks what its call needs, which has a status of its own. */
function isRefused(message: JsonObject, { endsWithClient }: RequestContext): boolean {
	return endsWithClient && errorCodeOf(message) === MISSING_CAPABILITY;
}

function made(
	{ complete }: RequestContext,
	text: string,
	status: number,
	headers: AnswerHeaders,
): Response {
	return complete ? complete(text, status, headers) : new Response(text, { status, headers });
}

/** There is no session, where `initialize` fails. */
function headersOf({ headers }: Response, message: JsonObject): Headers {
	if (message.error === undefined) return headers;
	const others = new Headers(headers);
	others.delete('mcp-session-id');
	return others;
}

function errorCodeOf({ error }: JsonObject): unknown {
	return isObject(error) ? error.code : undefined;
}
