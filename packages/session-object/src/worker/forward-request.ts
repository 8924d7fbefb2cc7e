import type { McpHandler } from '@tmcp-sessions/http';
import { localRejection, ROUTED_HEADERS } from '@tmcp-sessions/http/internal';
import type { Answer, PlainAnswer, RoutedRequest } from '@tmcp-sessions/http/internal';

import { deserialize, serialize } from '../object/rpc-format.ts';
import type { SessionRequest } from '../object/session-request.ts';
import type { ObjectNamespace, SessionObjectStub } from './object-namespace.ts';

const SESSION_HEADER = 'mcp-session-id';

/** How a request is forwarded. */
export interface ForwardOptions extends Pick<SessionRequest, 'objectPer' | 'transport'> {
	/** The namespace of the object. */
	readonly namespace: ObjectNamespace;
}

/**
 * Forwards a request to the object of its session by RPC.
 *
 * @throws {StreamError} if the object cannot be reached.
 */
export async function forwardToObject(
	routed: RoutedRequest,
	stub: SessionObjectStub,
	{ objectPer, transport, namespace }: ForwardOptions,
): Promise<Answer> {
	const { request, sessionId, principal, auth, body = '' } = routed;
	const headers = forwardedHeaders(routed);
	const { method } = request;
	let answer: Response | string;
	try {
		answer = await stub.answer(
			serialize({ method, headers, body, sessionId, principal, auth, objectPer, transport }),
		);
	} catch (cause) {
		throw namespace.errorOf('reaching the object of a session', cause);
	}
	if (typeof answer !== 'string') return answer;
	const plain = deserialize<PlainAnswer>(answer);
	// The object has reported the mistake.
	const explained = plain.mistake && localRejection(plain.mistake, request.url);
	if (explained) throw explained;
	return plain;
}

/**
 * Forwards a request to another handler, which reads and checks it again.
 *
 * @param env the Worker's, which may have the keys that seal request states.
 */
export async function forwardToHandler(
	{ request, body, context }: RoutedRequest,
	handler: Pick<McpHandler, 'fetch'>,
	env: unknown,
): Promise<Response> {
	const { method, signal, url } = request;
	const headers = new Headers(request.headers);
	// The body has been decompressed.
	headers.delete('content-encoding');
	headers.delete('content-length');
	const copy = new Request(url, { method, headers, signal, ...(body !== undefined && { body }) });
	return handler.fetch(copy, env, context);
}

/** The client's session id is a credential: the object gets the internal id only. */
function forwardedHeaders(routed: RoutedRequest): Record<string, string> {
	const { request, kind, headers, sessionId } = routed;
	if (kind === 'stateless') {
		// Stateless requests repeat parts of their message in further headers.
		const { [SESSION_HEADER]: _credential, ...others } = Object.fromEntries(request.headers);
		return others;
	}
	const forwarded: Record<string, string> = {};
	if (kind === 'session') forwarded[SESSION_HEADER] = sessionId;
	for (const name of ROUTED_HEADERS) {
		const value = headers.get(name);
		if (value !== null) forwarded[name] = value;
	}
	return forwarded;
}
