import type { SessionIds } from '@tmcp-sessions/core/internal';
import type { AuthInfo } from 'tmcp';

import type { ExecutionContextLike } from '../options.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { Answer } from '../response/answer.ts';
import type { SessionIdIssuer } from '../session/session-identifier.ts';

/** Sends requests to where their sessions live. Their path, host, origin and caller are checked. */
export interface Route {
	/** Whether the route takes stateless requests. Otherwise the handler rejects them. */
	readonly takesStateless: boolean;
	/**
	 * Returns which `notifications` of a stateless subscription the server honors. The handler then
	 * holds the stream. Without this method, subscriptions are sent on like other requests.
	 *
	 * @throws {StreamError} as `send` does.
	 */
	readonly honoredSubset?:
		((routed: RoutedRequest, notifications: JsonObject) => Promise<JsonObject>) | undefined;
	/**
	 * Answers a request.
	 *
	 * @throws {StreamError} if the session cannot be reached, which is a 503.
	 * @throws {HttpRejection} if the route does not accept the request.
	 */
	send(routed: RoutedRequest): Promise<Answer>;
}

/** A request on its way to its session. */
export interface RoutedRequest {
	/** The client's request. Its body has been read. */
	readonly request: Request;
	/** `session`: the session id is verified, the session may have ended. The other messages are checked. */
	readonly kind: 'initialize' | 'session' | 'stateless';
	/** The id of the session, which is new for `initialize`. Empty for a stateless request. */
	readonly sessionId: string;
	/** Empty if sessions belong to no principal. */
	readonly principal: string;
	readonly auth: AuthInfo | null;
	/** The headers of `request`, cached. */
	readonly headers: CachedHeaders;
	/** The text of the body. A DELETE has none. */
	readonly body: string | undefined;
	/** The platform's context, for another handler. */
	readonly context: ExecutionContextLike;
}

/** How a package composes a handler whose sessions live elsewhere. Not an option of a deployment. */
export interface HandlerComposition {
	/** Replaces the ids of `createSessionIds`, from which it may build its own. */
	readonly sessionIds?: ((ids: SessionIds) => SessionIdIssuer) | undefined;
	/**
	 * Answers in place of the server. GET streams and rejected requests stay with the handler. Default:
	 * the handler's server answers.
	 */
	readonly route?: Route | undefined;
}
