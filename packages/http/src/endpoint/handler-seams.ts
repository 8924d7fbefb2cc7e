import type { RequestScope } from '@tmcp-sessions/core/backend';
import type { SessionIds } from '@tmcp-sessions/core/internal';
import type { AuthInfo } from 'tmcp';

import type { Caller } from '../session/authenticator.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { ExecutionContextLike } from '../options.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

/**
 * How a package composes the handler where sessions live elsewhere: in the Worker that sends their
 * requests there, and in the object that gets them. No option of a deployment.
 */
export interface HandlerSeams {
	/** Other ids than the ones of `createSessionIds`, made of these. */
	readonly names?: ((ids: SessionIds) => SessionIdIssuer) | undefined;
	/** Answers in the place of the server. GET streams, and what the rules refuse, stay here. */
	readonly route?: Route | undefined;
	/** Who sends a request, where somebody else has found it out. `oauth` and `principal` are not asked. */
	readonly caller?: ((request: Request) => Caller) | undefined;
	/** Makes the response of an answer that is complete. Default: one as every platform has it. */
	readonly complete?: CompleteAnswer | undefined;
	/** Told that a call which takes a while has a stream of this name, that its client can resume. */
	readonly onPrimed?: ((call: RequestScope, stream: string) => void) | undefined;
}

/** @param headers to be copied, not kept. */
export type CompleteAnswer = (text: string, status: number, headers: AnswerHeaders) => Response;

/** Of an answer: as they are, where no `Headers` were made of them. */
export type AnswerHeaders = Headers | Record<string, string>;

/** Makes and checks the ids of sessions. */
export interface SessionIdIssuer {
	/** The id of a new session. */
	open(principal: string, headers: CachedHeaders): Promise<string>;
	/** Whether the id was made here for this principal. Takes any visible ASCII. */
	verify(id: string, principal: string, headers: CachedHeaders): Promise<boolean>;
}

/** Where requests go whose path, host, origin and caller are checked. */
export interface Route {
	/** Whether requests of the stateless era are sent on; otherwise they are told of the revisions with sessions. */
	readonly takesStateless: boolean;
	/**
	 * Says what a server tells a listener of the stateless era, whose stream is held here, of the
	 * `notifications` that it asks for. Without it such requests are sent on like others.
	 *
	 * @throws {StreamError} as `send` does.
	 */
	readonly agreed?:
		((routed: RoutedRequest, notifications: JsonObject) => Promise<JsonObject>) | undefined;
	/** @throws {StreamError} where it cannot be reached, which is a 503; a {@link HttpRejection} for what it does not take. */
	send(routed: RoutedRequest): Promise<Response>;
}

/** A request on its way. */
export interface RoutedRequest {
	/** Its body has been read. */
	readonly request: Request;
	/** `session`: of a session whose id is right, live or not. The messages of the others are well-formed. */
	readonly kind: 'initialize' | 'session' | 'stateless';
	/** The session's id, new where it is opened; empty in the stateless era. */
	readonly sessionId: string;
	/** Empty where sessions are nobody's. */
	readonly principal: string;
	readonly auth: AuthInfo | null;
	/** Its headers, those that were looked up once. */
	readonly headers: CachedHeaders;
	/** What was read; a DELETE has none. */
	readonly body: string | undefined;
	/** What came with the request, for another handler. */
	readonly context: ExecutionContextLike;
}
