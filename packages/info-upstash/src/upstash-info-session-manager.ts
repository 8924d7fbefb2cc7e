import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { rejectUnknownOptions, STORED_INFO_OPTIONS } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import { createUpstashFromEnv } from './upstash-client.ts';
import type { UpstashVariables } from './upstash-client.ts';
import { UpstashSessionStore } from './upstash-session-store.ts';
import type { UpstashSessionStoreOptions } from './upstash-session-store.ts';

/** The database, lifetimes and error reporting. */
export type UpstashInfoOptions = UpstashSessionStoreOptions & StoredInfoOptions;

/** The same with variables instead of a client. */
export interface UpstashFromEnvOptions extends Omit<UpstashInfoOptions, 'redis'> {
	/** The variables. Default: `process.env`. */
	readonly env?: UpstashVariables | undefined;
}

const OPTIONS: OptionNames<UpstashInfoOptions> = {
	...STORED_INFO_OPTIONS,
	redis: 1,
	prefix: 1,
	timeoutMs: 1,
};

/**
 * Implements tmcp's `InfoSessionManager` over Upstash Redis. Create it at module scope: it sends
 * nothing before its first use.
 *
 *     new HttpTransport(server, { sessionManager: { info: UpstashInfoSessionManager.fromEnv() } })
 */
export class UpstashInfoSessionManager extends StoredInfoSessionManager {
	constructor(options: UpstashInfoOptions) {
		rejectUnknownOptions(options, OPTIONS, 'info-upstash', 'UpstashInfoSessionManager');
		super(new UpstashSessionStore(options), options);
	}

	/**
	 * Creates a manager with a client from `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`, or
	 * `KV_REST_API_URL` and `KV_REST_API_TOKEN`.
	 *
	 * @throws {TmcpSessionsError} `configuration`, if a variable is missing or the URL is invalid.
	 */
	static fromEnv(options: UpstashFromEnvOptions = {}): UpstashInfoSessionManager {
		const { env, ...others } = options;
		const redis = createUpstashFromEnv(env, options.timeoutMs);
		return new UpstashInfoSessionManager({ ...others, redis });
	}
}
