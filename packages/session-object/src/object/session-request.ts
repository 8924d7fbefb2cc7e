import { toJsonLine } from '@tmcp-sessions/core/backend';
import { requestIdIn } from '@tmcp-sessions/http/internal';
import type { PlainAnswer, RoutedCall } from '@tmcp-sessions/http/internal';

/**
 * A client's request as the Worker passes it to the object. It is passed to an RPC method rather than
 * to `fetch`, because every call would pay for building and parsing a `Request`.
 */
export interface SessionRequest extends RoutedCall {
	/** The version of this format, if it is later than 1. The answer has the version of its request. */
	readonly version?: number | undefined;
	readonly objectPer: ObjectPer;
	/** Set for the legacy SSE transport: GET begins a stream, POST sends a message, DELETE ends the stream. */
	readonly transport?: 'sse' | undefined;
}

/**
 * The version of the format between Workers and session objects. A gradual deployment runs two releases
 * side by side: a change that the other side would misread raises the version, and takes two releases.
 * The first one reads both versions, the second one writes the new one.
 */
export const SESSION_WIRE_VERSION = 1;

/** Whether there is one object per session, or one per identity for all of its sessions. */
export type ObjectPer = 'identity' | 'session';

/**
 * Returns the answer to a rejected request.
 *
 * @param body of the request, whose id the error echoes.
 */
export function rejection(
	status: number,
	message: string,
	{ code = -32_603, body }: { code?: number; body?: string } = {},
): PlainAnswer {
	const retryAfter = status === 503 ? { 'retry-after': '5' } : {};
	return {
		status,
		headers: { 'content-type': 'application/json', ...retryAfter },
		body: toJsonLine({ jsonrpc: '2.0', id: requestIdIn(body) ?? null, error: { code, message } }),
	};
}
