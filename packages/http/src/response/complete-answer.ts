import { messageFrame, toJsonLine } from '@tmcp-sessions/core/backend';

import { isObject } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { MISSING_CAPABILITY } from '../validation/stateless-requests.ts';
import type { PlainAnswer } from './answer.ts';

/** The headers of streams. */
export const STREAM_HEADERS: Readonly<Record<string, string>> = {
	'content-type': 'text/event-stream',
	'cache-control': 'no-cache',
	connection: 'keep-alive',
	'x-accel-buffering': 'no',
};

/**
 * Creates the answer to a call whose response is known before any of its answer is sent, so that an
 * error can have its own status.
 */
export function completeAnswer(
	response: JsonObject,
	{ isStateless, responseType, session }: RequestContext,
): PlainAnswer {
	const { error } = response;
	const headers: Record<string, string> = { ...STREAM_HEADERS };
	// A failed request names no session.
	if (session && error === undefined) headers['mcp-session-id'] = session.id;
	const lacksCapability = isStateless && isObject(error) && error.code === MISSING_CAPABILITY;
	const status = lacksCapability ? 400 : 200;
	if (responseType === 'sse' && !lacksCapability) {
		return { status, headers, body: messageFrame(response) };
	}
	headers['content-type'] = 'application/json';
	return { status, headers, body: toJsonLine(response) };
}
