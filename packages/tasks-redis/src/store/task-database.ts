import { StoreError, TmcpSessionsError } from '@tmcp-sessions/core';
import { observeStorage, sleep } from '@tmcp-sessions/core/backend';
import { isConnectionLoss, redisFailure } from '@tmcp-sessions/redis';
import type { RedisConnection, RedisReply } from '@tmcp-sessions/redis';

import { PACKAGE } from '../package-name.ts';

/** The prefix of all keys by default. Its hash tag puts them into one slot of a cluster. */
const DEFAULT_PREFIX = '{tmcp}:';
/** How long an operation of a request waits for a lost connection to come back. */
const RETRY_MS = 1_000;
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 1_000;

/** Options of `RedisTaskStore`. */
export interface RedisTaskStoreOptions {
	/**
	 * The prefix of all keys and channels. Deployments with different prefixes share nothing. On a cluster it
	 * contains a hash tag. Default: `{tmcp}:`.
	 */
	readonly prefix?: string | undefined;
	/** Returns the time in milliseconds since the epoch. Default: the clock. */
	readonly now?: (() => number) | undefined;
}

/** The tasks of a prefix in a Redis. */
export class TaskDatabase {
	readonly redis: RedisConnection;
	readonly prefix: string;
	readonly now: () => number;

	/** @throws {TmcpSessionsError} `configuration` if the prefix is invalid. */
	constructor(
		redis: RedisConnection,
		{ now = Date.now, prefix = DEFAULT_PREFIX }: RedisTaskStoreOptions,
	) {
		this.redis = redis;
		this.prefix = checkedPrefix(redis, prefix);
		this.now = now;
	}

	/**
	 * Runs a script on a task. Sends it again if the connection was lost: scripts are idempotent.
	 *
	 * @param retryMs how long. Default: one second.
	 * @throws {StoreError} if Redis cannot be reached, or rejects the script.
	 */
	run(
		operation: string,
		script: string,
		name: string,
		args: readonly string[] = [],
		retryMs: number = RETRY_MS,
	): Promise<RedisReply> {
		return observeStorage(PACKAGE, operation, () =>
			this.#send(operation, script, name, args, retryMs),
		);
	}

	async #send(
		operation: string,
		script: string,
		name: string,
		args: readonly string[],
		retryMs: number,
	): Promise<RedisReply> {
		const { prefix, redis } = this;
		const untilMs = Date.now() + retryMs;
		for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
			try {
				const shared = [prefix, name, String(this.now()), redis.publishCommand];
				return await redis.evaluate(script, [`${prefix}task:${name}`], [...shared, ...args]);
			} catch (cause) {
				if (!isConnectionLoss(cause) || Date.now() + pauseMs > untilMs) {
					throw new StoreError(PACKAGE, operation, redisFailure(cause));
				}
				await sleep(pauseMs);
			}
		}
	}
}

function checkedPrefix(redis: RedisConnection, prefix: string): string {
	const found = JSON.stringify(prefix).slice(0, 80);
	if (redis.publishCommand === 'SPUBLISH' && !/^[^{]*\{[^}]+\}/.test(prefix)) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			`on a cluster, prefix must contain a hash tag such as {tmcp}, which puts all keys into one slot; got ${found}`,
		);
	}
	if (/^[!#-[\]-~]{1,256}$/.test(prefix)) return prefix;
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`prefix must be 1 to 256 printable ASCII characters without quotes and backslashes; got ${found}`,
	);
}
