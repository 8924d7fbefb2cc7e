import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { createUpstashFromEnv } from './upstash-client.ts';
import type { UpstashVariables } from './upstash-client.ts';
import { UpstashSessionStore } from './upstash-session-store.ts';
import type { UpstashSessionStoreOptions } from './upstash-session-store.ts';

/** Where the sessions are, how long they live, and whom to tell of failures. */
export type UpstashInfoOptions = UpstashSessionStoreOptions & StoredInfoOptions;

/** The same, where the client is made of variables. */
export interface UpstashFromEnvOptions extends Omit<UpstashInfoOptions, 'redis'> {
	/** The variables. Default: `process.env`. */
	readonly env?: UpstashVariables | undefined;
}

/**
 * tmcp's `InfoSessionManager` in Upstash Redis. Can be made at module scope: nothing is sent before
 * the first use.
 *
 *     new HttpTransport(server, { sessionManager: { info: UpstashInfoSessionManager.fromEnv() } })
 */
export class UpstashInfoSessionManager extends StoredInfoSessionManager {
	constructor(options: UpstashInfoOptions) {
		super(new UpstashSessionStore(options), options);
	}

	/**
	 * Over a client made of `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`, or of
	 * `KV_REST_API_URL` and `KV_REST_API_TOKEN`.
	 *
	 * @throws {TmcpSessionsError} `configuration`, where a variable is missing or the URL is none.
	 */
	static fromEnv(options: UpstashFromEnvOptions = {}): UpstashInfoSessionManager {
		const redis = createUpstashFromEnv(options.env, options.timeoutMs);
		return new UpstashInfoSessionManager({ ...options, redis });
	}
}
