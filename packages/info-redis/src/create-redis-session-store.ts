import { CorruptRecordError, StoreError, TmcpSessionsError } from '@tmcp-sessions/core';
import { observeStorage, reasonOf, sleep } from '@tmcp-sessions/core/backend';
import { isConnectionLoss, redisFailure } from '@tmcp-sessions/redis';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { DEFAULT_PREFIX, READ, RedisSessionStore } from '@tmcp-sessions/redis/sessions';
import type { SessionDatabase } from '@tmcp-sessions/redis/sessions';

const PACKAGE = 'info-redis';

/** How long an operation waits for a lost connection to come back. */
const RETRY_MS = 1_000;
const FIRST_PAUSE_MS = 25;

/** The prefix of the keys, and the clock. */
export interface RedisStoreOptions {
	/** The prefix of all keys. On a cluster it contains a hash tag. Default: `{tmcp}:`. */
	readonly prefix?: string | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/**
 * Creates a session store over a connection of `connectRedis`. It shares its sessions with
 * `@tmcp-sessions/info-upstash` over the same database and prefix.
 *
 * @throws {TmcpSessionsError} `configuration`, if the Redis is a cluster and the prefix has no hash tag.
 */
export function createRedisSessionStore(
	redis: RedisConnection,
	{ prefix = DEFAULT_PREFIX, now }: RedisStoreOptions = {},
): RedisSessionStore {
	if (redis.publishCommand === 'SPUBLISH' && !/^[^{]*\{[^}]+\}/.test(prefix)) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			`on a cluster, prefix must contain a hash tag such as {tmcp}, which puts all keys into one slot; got ${JSON.stringify(prefix).slice(0, 80)}`,
		);
	}
	return new RedisSessionStore(new ConnectedDatabase(redis), {
		packageName: PACKAGE,
		invalidResponse: 'Redis sent a response of another shape',
		prefix,
		now,
	});
}

class ConnectedDatabase implements SessionDatabase {
	readonly #redis: RedisConnection;

	constructor(redis: RedisConnection) {
		this.#redis = redis;
	}

	read(operation: string, key: string, encodedId: string): Promise<unknown> {
		return this.run(operation, READ, [key], [], encodedId);
	}

	run(
		operation: string,
		script: string,
		keys: readonly string[],
		args: readonly string[],
		encodedId?: string,
	): Promise<unknown> {
		return observeStorage(PACKAGE, operation, () =>
			this.#send(operation, script, keys, args, encodedId),
		);
	}

	/** Sends a script again if the connection was lost: scripts are idempotent. */
	async #send(
		operation: string,
		script: string,
		keys: readonly string[],
		args: readonly string[],
		encodedId: string | undefined,
	): Promise<unknown> {
		const untilMs = Date.now() + RETRY_MS;
		for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
			try {
				return await this.#redis.evaluate(script, keys, args);
			} catch (cause) {
				if (/\bWRONGTYPE\b/.test(reasonOf(cause))) {
					throw new CorruptRecordError(PACKAGE, 'not a text');
				}
				if (!isConnectionLoss(cause) || Date.now() + pauseMs > untilMs) {
					throw new StoreError(PACKAGE, operation, withoutId(redisFailure(cause), encodedId));
				}
				await sleep(pauseMs);
			}
		}
	}
}

function withoutId(text: string, encodedId: string | undefined): string {
	return encodedId === undefined ? text : text.replaceAll(encodedId, '<id>');
}
