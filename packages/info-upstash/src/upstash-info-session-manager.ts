import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
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

/**
 * Implements tmcp's `InfoSessionManager` over Upstash Redis. Create it at module scope: it sends
 * nothing before its first use.
 *
 *     new HttpTransport(server, { sessionManager: { info: UpstashInfoSessionManager.fromEnv() } })
 */
export class UpstashInfoSessionManager extends StoredInfoSessionManager {
	constructor(options: UpstashInfoOptions) {
		super(new UpstashSessionStore(options), options);
	}

	/**
	 * Creates a manager with a client from `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`, or
	 * `KV_REST_API_URL` and `KV_REST_API_TOKEN`.
	 *
	 * @throws {TmcpSessionsError} `configuration`, if a variable is missing or the URL is invalid.
	 */
	static fromEnv(options: UpstashFromEnvOptions = {}): UpstashInfoSessionManager {
		const redis = createUpstashFromEnv(options.env, options.timeoutMs);
		return new UpstashInfoSessionManager({ ...options, redis });
	}
}
