import type { ErrorReporter } from '@tmcp-sessions/core';
import type { McpHandlerOptions } from '@tmcp-sessions/http';

import type { LifetimeOptions } from './lifetime.ts';
import type { ServeSse } from '../worker/sse-serving.ts';
import type { ContextLimits, ContextSchemas, ContextValues } from '../features/session-context.ts';

/** How a `SessionObject` keeps its sessions. Every field has a default. */
export interface SessionSettings<
	Values extends ContextValues = Record<string, unknown>,
> extends Pick<
	McpHandlerOptions,
	'clientResponseTimeoutSeconds' | 'keepAliveSeconds' | 'maxBodyBytes'
> {
	/** A schema for each key of the context. Without any, values are as their author types them. */
	readonly context?: ContextSchemas<Values> | undefined;
	/** How much the context may hold. */
	readonly limits?: Partial<ContextLimits> | undefined;
	/** When sessions end. Default: 24 hours after the last use, 30 days after the first. */
	readonly lifetime?: LifetimeOptions | undefined;
	/**
	 * SQL for tables of your own: each text runs once in every object, in order, before anything else.
	 * To change a table, add one behind the others.
	 */
	readonly migrations?: readonly string[] | undefined;
	/** Where large artifacts go, and expired sessions where `archive` says so. */
	readonly bucket?: R2Bucket | undefined;
	/** Whether what an expired session kept is archived in the bucket. Default: where there is one. */
	readonly archive?: boolean | undefined;
	/** Artifacts of more bytes go to the bucket. Default: 65,536. */
	readonly artifactBytes?: number | undefined;
	/**
	 * Secrets of at least 32 characters that tokens are encrypted with: the first encrypts, all decrypt.
	 * Default: `TMCP_AUTH_KEYS` of the environment, between spaces or commas.
	 */
	readonly authKeys?: readonly string[] | undefined;
	/**
	 * `createSseHandler` of `@tmcp-sessions/http/legacy-sse`, for clients of the transport before Streamable HTTP;
	 * `createSessionRouter` gets it too. Default: they are not served.
	 */
	readonly sse?: ServeSse | undefined;
	/** Told of every failure that no client is told of in full. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}
