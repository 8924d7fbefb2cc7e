import type { IssuedSession } from '@tmcp-sessions/core/backend';
import { shardLabel } from '@tmcp-sessions/core/internal';

import type { RoutedCall } from '../calls/routed-call.ts';
import type { ExecutionContextLike } from '../options.ts';
import { CachedHeaders } from '../request/cached-headers.ts';
import { invalidRequest } from '../request/http-rejection.ts';
import type { RequestOrigin } from '../request/request-context.ts';
import type { SessionSource } from '../session/session-source.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { RoutedRequest } from './route.ts';

/**
 * The headers that the message endpoint reads from a session-based request. A Worker forwards no others
 * to the object of a session, besides the internal id of a session that is open. Hot path: each lookup
 * costs every call.
 */
export const ROUTED_HEADERS = ['accept', 'content-type', 'mcp-protocol-version'] as const;

/** Creates what a Worker routes to a session. */
export function routedRequest(
	kind: RoutedRequest['kind'],
	request: Request,
	origin: RequestOrigin,
	session: IssuedSession | undefined,
	body: string | undefined,
): RoutedRequest {
	const { auth, headers, platform, principal } = origin;
	const sessionId = session?.internalId ?? '';
	const context = platform ?? {
		waitUntil(promise: Promise<unknown>) {
			promise.catch((error: unknown) => origin.report(error, sessionId));
		},
	};
	return { request, kind, sessionId, principal, auth, headers, body, context };
}

/** Creates the incoming request of a call that a Worker has routed here. */
export function incomingCall(
	call: RoutedCall,
	platform: ExecutionContextLike,
	report: IncomingRequest['report'],
	secrets?: RequestOrigin['secrets'],
): IncomingRequest {
	const { auth, method, principal } = call;
	const headers = new CachedHeaders({ get: (name) => call.headers[name] ?? null });
	return {
		request: undefined,
		sessions: routedSession(call),
		auth,
		headers,
		method,
		pickShard,
		platform,
		principal,
		report,
		secrets,
	};
}

/** An object has no shards: it keeps what its requests open. */
function pickShard(): string {
	return shardLabel(undefined, 0);
}

/** The Worker has verified the session id, or made it for `initialize`. */
function routedSession({ headers, sessionId }: RoutedCall): SessionSource {
	const session = { id: sessionId, internalId: sessionId };
	return {
		open() {
			if (headers['mcp-session-id'] !== sessionId) return session;
			// The Worker did not recognize the message. A session must not be opened twice.
			throw invalidRequest('initialize opens a session: send it without an Mcp-Session-Id');
		},
		require: () => session,
		find: () => Promise.resolve(session),
	};
}
