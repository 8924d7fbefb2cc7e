import type { McpHandlerOptions } from '../options.ts';

/** The options that mean here what they mean to `createMcpHandler`. */
type SharedOption =
	| 'allowedHosts'
	| 'allowedOrigins'
	| 'context'
	| 'cors'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'oauth'
	| 'onError'
	| 'placement'
	| 'principal'
	| 'sessionKeys'
	| 'streams';

/** What a deployment chooses. What it shares with `createMcpHandler` can be given to both. */
export interface SseHandlerOptions<Custom = undefined> extends Pick<
	McpHandlerOptions<Custom>,
	SharedOption
> {
	/** What is known of a session. Default: in memory, of this process alone. */
	readonly info?: McpHandlerOptions['info'];
	/** Where clients open their stream. Default: `/sse`. */
	readonly path?: string | undefined;
	/** Where clients send their messages: the endpoint event names it. Default: `/messages`. */
	readonly endpoint?: string | undefined;
	/**
	 * How long an elicitation or a sampling waits for its answer. Default: 25, since Workers end what
	 * a message started 30 s after it was accepted.
	 */
	readonly clientResponseTimeoutSeconds?: number | undefined;
}
