import type { SessionInfo } from '@tmcp-sessions/core/backend';

import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** What a server gets besides the request. */
export interface ServerInput<Custom> {
	/** What the deployment's `context` option returned. */
	readonly custom?: Custom | undefined;
	/** The message, if it is not the one that the client sent. */
	readonly message?: unknown;
}

/**
 * Answers validated requests: the seam between the protocol's rules and the library that runs the
 * server. Before it, `endpoint/`, `validation/` and `session/` have found the caller, the era and the
 * session. Behind it, `transport/` serves a tmcp server with its `HttpTransport`. `calls/` tracks what
 * happens in between, and `response/` makes the answer of what comes back.
 *
 * A server of another library plugs in by implementing this interface. A `ServerExtension`, such as
 * tasks, wraps one: it answers some messages itself and passes every other request on.
 *
 * The members run in the scope of their request. An implementation reports its progress to
 * `context.progress`: `markBegun` when the server gets the message, `markHandled` after it has handled it.
 * `context.progress.signal` is aborted when the client cancels, or leaves a stateless request.
 */
export interface MessageServer<Custom> {
	/** The stateless revisions that the server supports. */
	readonly statelessRevisions: readonly string[];
	/**
	 * Resolves with the response to a request that the server answers at once and without other frames.
	 * Resolves with `undefined` if the call takes longer: `respond` then takes over what has begun.
	 * Returns `undefined` for a request that only `respond` answers.
	 *
	 * @param info the metadata of the session, if it is known already.
	 */
	answerDirectly(
		context: RequestContext,
		custom: Custom | undefined,
		info: SessionInfo | undefined,
	): Promise<JsonObject | undefined> | undefined;
	/**
	 * Answers a request of any method. A response in the format of events may leave out the JSON-RPC
	 * response, and withhold it in `context.progress`.
	 */
	respond(context: RequestContext, input: ServerInput<Custom>): Promise<Response>;
}
