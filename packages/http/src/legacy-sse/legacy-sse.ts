import type { HandlerComposition } from '../endpoint/composition.ts';
import type { Route } from '../endpoint/handler-seams.ts';
import type { CallRunnerOptions, RunCall } from '../calls/routed-call.ts';
import type { McpHandler, ServerOf } from '../options.ts';
import type { SseHandlerOptions } from './options.ts';

/** How a package composes the handler of the SSE transport for sessions that live elsewhere. */
export interface SseComposition {
	readonly sessionIds?: HandlerComposition['sessionIds'];
	/**
	 * Takes what concerns a session whose id is verified: `initialize` (GET) before its stream opens,
	 * a POST with a well-formed message, and a DELETE when its stream has ended.
	 */
	readonly route: Pick<Route, 'send'>;
}

/**
 * The SSE transport as a Worker and an object compose it. A session object gets it as an option,
 * so that `@tmcp/transport-sse` is bundled only if it is used.
 */
export interface LegacySse {
	/** Creates the handler of the Worker, which holds the streams. */
	composeHandler(
		server: ServerOf<Record<string, unknown> | undefined>,
		options: SseHandlerOptions,
		composition: SseComposition,
	): McpHandler;
	/**
	 * Creates what answers in the object: a POST with a message, and a DELETE after its stream has
	 * ended.
	 */
	createCallRunner(
		server: ServerOf<Record<string, unknown> | undefined>,
		options: SseCallRunnerOptions,
	): RunCall;
}

/** What answers the messages of sessions of the SSE transport depends on. */
export type SseCallRunnerOptions = Pick<
	CallRunnerOptions,
	'clientResponseTimeoutSeconds' | 'info' | 'onError' | 'streams'
>;
