import { StreamError } from '@tmcp-sessions/core';
import type { McpHandler } from '@tmcp-sessions/http';
import { ROUTED_HEADERS, toResponse } from '@tmcp-sessions/http/internal';
import type { PlainAnswer, RoutedRequest } from '@tmcp-sessions/http/internal';

import { deserialize, serialize } from '../object/rpc-format.ts';
import type { SessionRequest } from '../object/session-request.ts';
import { PACKAGE } from '../package-name.ts';
import type { SessionObjectStub } from './object-namespace.ts';

/**
 * Forwards a request to the object of its session by RPC.
 *
 * @throws {StreamError} if the object cannot be reached.
 */
export async function forwardToObject(
	routed: RoutedRequest,
	stub: SessionObjectStub,
	{ objectPer, transport }: Pick<SessionRequest, 'objectPer' | 'transport'>,
): Promise<Response> {
	const { request, sessionId, principal, auth, body = '' } = routed;
	const headers = forwardedHeaders(routed);
	const { method } = request;
	try {
		const answer = await stub.answer(
			serialize({ method, headers, body, sessionId, principal, auth, objectPer, transport }),
		);
		if (typeof answer !== 'string') return answer;
		return toResponse(deserialize<PlainAnswer>(answer));
	} catch (cause) {
		throw new StreamError(PACKAGE, 'reaching the object of a session', cause);
	}
}

/** Forwards a request to another handler, which reads and checks it again. */
export async function forwardToHandler(
	{ request, body, context }: RoutedRequest,
	handler: Pick<McpHandler, 'fetch'>,
): Promise<Response> {
	const { method, headers, signal, url } = request;
	const copy = new Request(url, { method, headers, signal, ...(body !== undefined && { body }) });
	return handler.fetch(copy, undefined, context);
}

function forwardedHeaders({ request, kind, headers }: RoutedRequest): Record<string, string> {
	// Stateless requests repeat parts of their message in further headers.
	if (kind === 'stateless') return Object.fromEntries(request.headers);
	const forwarded: Record<string, string> = {};
	for (const name of ROUTED_HEADERS) {
		const value = headers.get(name);
		if (value !== null) forwarded[name] = value;
	}
	return forwarded;
}
