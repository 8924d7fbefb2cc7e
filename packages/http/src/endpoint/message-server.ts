import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** The members of a platform's `Request` that a server may need. */
export interface PlatformRequest {
	readonly url: string;
	/** Aborted when the client disconnects. */
	readonly signal: AbortSignal;
}

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
 * A server of another library plugs in by implementing this interface. MCP tasks plug in by wrapping
 * one: the wrapper answers `tasks/…` methods itself and passes every other request on.
 *
 * The members run in the scope of their request. An implementation reports its progress to
 * `context.progress`: `markBegun` when the server gets the message, `markHandled` after it has handled it.
 */
export interface MessageServer<Custom> {
	/** The stateless revisions that the server supports. */
	readonly statelessRevisions: readonly string[];
	/** Whether `answerDirectly` may answer a request. */
	acceptsDirectly(context: RequestContext): boolean;
	/**
	 * Returns the response to a request that the server answers at once and without other frames.
	 * Returns `undefined` otherwise: `respond` then takes over the call that has begun.
	 */
	answerDirectly(
		context: RequestContext,
		custom: Custom | undefined,
	): Promise<JsonObject | undefined>;
	/**
	 * Answers a request of any method. A response in the format of events may leave out the JSON-RPC
	 * response, and withhold it in `context.progress`.
	 *
	 * @param request undefined if the request came by RPC.
	 */
	respond(
		request: PlatformRequest | undefined,
		context: RequestContext,
		input: ServerInput<Custom>,
	): Promise<Response>;
	/** Aborts `context.progress.signal` when the client of a stateless request disconnects. */
	followClient(request: PlatformRequest | undefined, context: RequestContext): void;
}
