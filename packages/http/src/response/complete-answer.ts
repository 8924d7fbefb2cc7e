import { messageFrame } from '@tmcp-sessions/core/backend';

import { isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { MISSING_CAPABILITY } from '../validation/stateless-requests.ts';
import type { PlainAnswer } from './answer.ts';

const JSON_TYPE = 'application/json';

/** The headers of the transport's streams. */
const STREAM_HEADERS = {
	'content-type': 'text/event-stream',
	'cache-control': 'no-cache',
	connection: 'keep-alive',
	'x-accel-buffering': 'no',
};

/** Creates the answer to a call that did not need the transport, as the transport would. */
export function directAnswer(response: JsonObject, context: RequestContext): PlainAnswer {
	const { responseType, session } = context;
	const isJson = responseType === 'json';
	const headers: Record<string, string> = { ...STREAM_HEADERS };
	if (isJson) headers['content-type'] = JSON_TYPE;
	// A failed request names no session.
	if (session && response.error === undefined) headers['mcp-session-id'] = session.id;
	return { status: 200, headers, body: isJson ? JSON.stringify(response) : messageFrame(response) };
}

/**
 * Creates the answer to a call whose response was withheld from the transport's stream. Its status
 * has not been sent, so that an error can have its own. Returns `undefined` without such a response.
 */
export function completeAnswer(
	streamed: Response,
	context: RequestContext,
): PlainAnswer | undefined {
	const { response } = context.progress;
	if (!response) return undefined;
	if (context.responseType === 'json' || lacksCapability(response, context)) {
		return jsonAnswer(streamed, response, context);
	}
	const headers = headersOf(streamed, response);
	return { status: streamed.status, headers, body: messageFrame(response) };
}

/** Creates the answer to a call as JSON. */
export function jsonAnswer(
	streamed: Response,
	response: JsonObject,
	context: RequestContext,
): PlainAnswer {
	const headers = headersOf(streamed, response);
	headers['content-type'] = JSON_TYPE;
	const status = lacksCapability(response, context) ? 400 : 200;
	return { status, headers, body: JSON.stringify(response) };
}

/** Whether a stateless client lacks a capability that its call needs, which has a status of its own. */
function lacksCapability({ error }: JsonObject, { isStateless }: RequestContext): boolean {
	return isStateless && isObject(error) && error.code === MISSING_CAPABILITY;
}

/** A failed `initialize` has no session. */
function headersOf({ headers }: Response, response: JsonObject): Record<string, string> {
	const fields = Object.fromEntries(headers);
	if (response.error !== undefined) delete fields['mcp-session-id'];
	return fields;
}
