import type { ErrorReporter } from '@tmcp-sessions/core';
import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import type { LegacySse } from '@tmcp-sessions/http/internal';
import type { SyncLayerBinding } from '@tmcp-sessions/streams-durable-object';

import type { LifetimeOptions } from './lifetime.ts';
import { PACKAGE } from '../package-name.ts';
import type { ContextLimits, ContextSchemas, ContextValues } from '../features/session-context.ts';

/** Configures the sessions of a `SessionObject`. Every field has a default. */
export interface SessionSettings<
	Values extends ContextValues = Record<string, unknown>,
> extends Pick<
	McpHandlerOptions,
	| 'authorizeSubscription'
	| 'clientResponseTimeoutSeconds'
	| 'eras'
	| 'keepAliveSeconds'
	| 'maxBodyBytes'
	| 'tasks'
	| 'telemetry'
> {
	/** A schema for each context key. Without schemas, values are not validated. */
	readonly context?: ContextSchemas<Values> | undefined;
	/** The size limits of the context. */
	readonly limits?: Partial<ContextLimits> | undefined;
	/** When sessions expire. Default: 24 hours after the last use, 30 days after the first. */
	readonly lifetime?: LifetimeOptions | undefined;
	/**
	 * SQL for tables of your own. Each statement runs once in every object, in order, before anything
	 * else. To change a table, append a statement.
	 */
	readonly migrations?: readonly string[] | undefined;
	/** Stores large artifacts, and the archives of expired sessions if `archive` is true. */
	readonly bucket?: R2Bucket | undefined;
	/** Whether to archive expired sessions in the bucket. Default: true if there is a bucket. */
	readonly archive?: boolean | undefined;
	/** Artifacts of more bytes go to the bucket. Default: 65,536. */
	readonly artifactBytes?: number | undefined;
	/**
	 * Secrets of at least 32 characters that encrypt tokens: the first one encrypts, all of them decrypt.
	 * Default: the environment variable `TMCP_AUTH_KEYS`, separated by spaces or commas.
	 */
	readonly authKeys?: readonly string[] | undefined;
	/**
	 * The namespace of `SyncLayer`, or the name of its binding, such as `TMCP_DURABLE_OBJECT`:
	 * `session.publish` and `publishChange` then reach the clients of every object. Default: none.
	 */
	readonly syncLayer?: SyncLayerBinding | undefined;
	/**
	 * Serves clients of the legacy SSE transport: `createLegacySse()` of
	 * `@tmcp-sessions/http/legacy-sse`. Give it to `createSessionRouter` too. Default: not served.
	 */
	readonly sse?: LegacySse | undefined;
	/** Receives every error whose details no client gets. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

const SETTINGS: OptionNames<SessionSettings> = {
	authorizeSubscription: 1,
	clientResponseTimeoutSeconds: 1,
	eras: 1,
	keepAliveSeconds: 1,
	maxBodyBytes: 1,
	context: 1,
	limits: 1,
	lifetime: 1,
	migrations: 1,
	bucket: 1,
	archive: 1,
	artifactBytes: 1,
	authKeys: 1,
	syncLayer: 1,
	sse: 1,
	onError: 1,
	tasks: 1,
	telemetry: 1,
};
const LIFETIME: OptionNames<LifetimeOptions> = { idleSeconds: 1, absoluteSeconds: 1 };

/** @throws {TmcpSessionsError} `configuration` for a setting with an unknown name. */
export function checkSettingNames(settings: Pick<SessionSettings, 'lifetime'>): void {
	rejectUnknownOptions(settings, SETTINGS, PACKAGE, 'settings');
	rejectUnknownOptions(settings.lifetime ?? {}, LIFETIME, PACKAGE, 'settings.lifetime');
}
