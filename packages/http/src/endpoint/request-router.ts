import type { CachedHeaders } from '../request/cached-headers.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { Answer } from '../response/answer.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { ServerInput } from './message-server.ts';

/** A request that came over HTTP. */
export type HttpRequest = IncomingRequest & { readonly request: Request };

/** Has requests answered where their sessions live. The handler validates those without a session. */
export interface RequestRouter {
	/**
	 * Routes a request that names its session, whose message is validated there. Returns `undefined` for
	 * every other request.
	 *
	 * @param body undefined for a DELETE.
	 */
	routeSession(incoming: HttpRequest, body: string | undefined): Promise<Answer> | undefined;
	/** @throws {HttpRejection} if stateless requests are not routed. */
	checkStateless(headers: CachedHeaders): void;
	/**
	 * Routes an `initialize` or a stateless request, in its scope.
	 *
	 * @param respond has the handler's own server answer instead.
	 * @throws {HttpRejection} 400 if a required field of `initialize` is missing.
	 */
	route(
		context: RequestContext,
		respond: (input?: ServerInput<never>) => Promise<Answer>,
	): Promise<Answer>;
}
