import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { rejectUnknownOptions, STORED_INFO_OPTIONS } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';
import type { RedisConnection } from '@tmcp-sessions/redis';

import { createRedisSessionStore } from './create-redis-session-store.ts';
import type { RedisStoreOptions } from './create-redis-session-store.ts';

/** The keys, lifetimes and error reporting. */
export type RedisInfoOptions = RedisStoreOptions & StoredInfoOptions;

const OPTIONS: OptionNames<RedisInfoOptions> = { ...STORED_INFO_OPTIONS, prefix: 1 };

/**
 * Implements tmcp's `InfoSessionManager` over Redis. Create it at module scope: it connects at its first
 * use.
 *
 *     const info = new RedisInfoSessionManager(connectRedis('redis://localhost:6379'));
 */
export class RedisInfoSessionManager extends StoredInfoSessionManager {
	/** @param redis of `connectRedis`, which managers of streams may share. */
	constructor(redis: RedisConnection, options: RedisInfoOptions = {}) {
		rejectUnknownOptions(options, OPTIONS, 'info-redis', 'RedisInfoSessionManager');
		super(createRedisSessionStore(redis, options), options);
	}
}
