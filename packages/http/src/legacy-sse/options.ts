import type { McpHandlerOptions } from '../options.ts';

/** The options that mean the same as for `createMcpHandler`. */
type SharedOption =
	| 'allowedHosts'
	| 'authorizeSubscription'
	| 'clientOf'
	| 'context'
	| 'cors'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'oauth'
	| 'onError'
	| 'placement'
	| 'principal'
	| 'recheckSeconds'
	| 'sessionKeys'
	| 'streams';

/** Options of `createSseHandler`. Shared ones can be given to `createMcpHandler` too. */
export interface SseHandlerOptions<Custom = undefined> extends Pick<
	McpHandlerOptions<Custom>,
	SharedOption
> {
	/** Stores session metadata. Default: in memory, for this process only. */
	readonly info?: McpHandlerOptions['info'];
	/** The path at which clients open their stream. Default: `/sse`. */
	readonly path?: string | undefined;
	/** The path at which clients send messages, which the endpoint event names. Default: `/messages`. */
	readonly endpoint?: string | undefined;
	/**
	 * How long an elicitation or a sampling waits for the client response. Default: 25, since Workers
	 * end a message's promises 30 s after it was accepted.
	 */
	readonly clientResponseTimeoutSeconds?: number | undefined;
}
