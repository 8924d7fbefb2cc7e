import type { CallRunnerOptions, RunCall } from '../calls/routed-call.ts';
import type { HandlerComposition } from '../endpoint/route.ts';
import type { Route } from '../endpoint/route.ts';
import type { McpHandler, ServerOf } from '../options.ts';
import type { SseHandlerOptions } from './options.ts';

/** How a package composes a handler of the SSE transport whose sessions live elsewhere. */
export interface SseComposition {
	/** Replaces the ids of `createSessionIds`, from which it may build its own. */
	readonly sessionIds?: HandlerComposition['sessionIds'];
	/**
	 * Takes what concerns a session whose id is verified: a GET before its stream opens, a POST with a
	 * checked message, and a DELETE after its stream has ended. Default: the handler's server answers.
	 */
	readonly route?: Pick<Route, 'send'> | undefined;
}

/** A server of any schemas and context. */
export type AnyServer = ServerOf<Record<string, unknown> | undefined>;

/**
 * Creates both sides of the SSE transport for a session object: an option of it, so that
 * `@tmcp/transport-sse` is bundled only if it is used.
 */
export interface LegacySse {
	/** Whether a request is for one of the two addresses. */
	serves(pathname: string): boolean;
	/** Creates the handler of the Worker, which holds the streams. */
	composeHandler(
		server: AnyServer,
		options: SseHandlerOptions,
		composition: SseComposition,
	): McpHandler;
	/** Creates the function that answers the object's POST and DELETE calls. */
	createCallRunner(server: AnyServer, options: SseCallRunnerOptions): RunCall;
}

/** What answers the messages of an object's sessions depends on. */
export type SseCallRunnerOptions = Pick<
	CallRunnerOptions,
	'authorizeSubscription' | 'clientResponseTimeoutSeconds' | 'info' | 'onError' | 'streams'
>;
