import type { RequestScope, SessionIds } from '@tmcp-sessions/core';
import type { AuthInfo } from 'tmcp';

import type { RequestHeaders } from './request-headers.ts';

/**
 * How a package composes the handler where sessions live elsewhere: in the Worker that sends their
 * requests there, and in the object that gets them. No option of a deployment.
 */
export interface HandlerSeams {
	/** Other ids than the ones of `createSessionIds`, made of these. */
	readonly names?: ((ids: SessionIds) => SessionNames) | undefined;
	/** Answers in the place of the server. GET streams, and what the rules refuse, stay here. */
	readonly route?: Route | undefined;
	/** Told that a call which takes a while has a stream of this name, that its client can resume. */
	readonly onPrimed?: ((call: RequestScope, stream: string) => void) | undefined;
}

/** Makes and checks the ids of sessions. */
export interface SessionNames {
	/** The id of a new session. */
	open(principal: string, headers: RequestHeaders): Promise<string>;
	/** Whether the id was made here for this principal. Takes any visible ASCII. */
	verify(id: string, principal: string, headers: RequestHeaders): Promise<boolean>;
}

/** Where requests go whose path, host, origin and caller are checked. */
export interface Route {
	/** Whether requests of the stateless era are sent on; otherwise they are told of the revisions with sessions. */
	readonly takesStateless: boolean;
	/** @throws {StreamError} where it cannot be reached, which is a 503; a {@link Refusal} for what it does not take. */
	send(routed: RoutedRequest): Promise<Response>;
}

/** A request on its way. */
export interface RoutedRequest {
	/** Its body has not been read where there is no `body`. */
	readonly request: Request;
	/** `session`: of a session whose id is right, live or not. The others have been read and are well-formed. */
	readonly kind: 'initialize' | 'session' | 'stateless';
	/** The session's id, new where it is opened; empty in the stateless era. */
	readonly sessionId: string;
	/** Empty where sessions are nobody's. */
	readonly principal: string;
	readonly auth: AuthInfo | null;
	/** The message as JSON, where it was read. */
	readonly body: string | undefined;
}
