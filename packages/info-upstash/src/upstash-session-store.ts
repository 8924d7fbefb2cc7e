import { CorruptRecordError, StoreError } from '@tmcp-sessions/core';
import { observeStorage, withTimeout } from '@tmcp-sessions/core/backend';
import { RedisSessionStore } from '@tmcp-sessions/redis/sessions';
import type { SessionDatabase } from '@tmcp-sessions/redis/sessions';
import { failureReason, hostOf, INVALID_RESPONSE, isWrongType } from './failure-reason.ts';
import { DEFAULT_TIMEOUT_MS } from './upstash-client.ts';
import type { UpstashPipeline, UpstashRedis } from './upstash-client.ts';

const PACKAGE = 'info-upstash';

/** The database, its keys and the timeout. */
export interface UpstashSessionStoreOptions {
	/** A client of `@upstash/redis`. */
	readonly redis: UpstashRedis;
	/** The prefix of all keys. Default: `{tmcp}:`. */
	readonly prefix?: string | undefined;
	/** The timeout of an operation in milliseconds. Its write may still happen later. Default: 5000. */
	readonly timeoutMs?: number | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/**
 * Stores sessions in Upstash Redis. Each operation is one HTTP request and atomic.
 *
 * Reads use GETEX and scripts that may write, because Upstash sends these to the primary. A replica
 * serves other reads and may return stale data.
 * @see https://upstash.com/docs/redis/features/consistency
 */
export class UpstashSessionStore extends RedisSessionStore {
	constructor({ redis, prefix, timeoutMs, now }: UpstashSessionStoreOptions) {
		super(new UpstashDatabase(redis, timeoutMs ?? DEFAULT_TIMEOUT_MS), {
			packageName: PACKAGE,
			invalidResponse: INVALID_RESPONSE,
			prefix,
			now,
		});
	}
}

class UpstashDatabase implements SessionDatabase {
	readonly #redis: UpstashRedis;
	readonly #timeoutMs: number;

	constructor(redis: UpstashRedis, timeoutMs: number) {
		this.#redis = redis;
		this.#timeoutMs = timeoutMs;
	}

	read(operation: string, key: string, encodedId: string): Promise<unknown> {
		return this.#run(operation, encodedId, (pipeline) => pipeline.getex(key));
	}

	run(
		operation: string,
		script: string,
		keys: readonly string[],
		args: readonly string[],
		encodedId?: string,
	): Promise<unknown> {
		return this.#run(operation, encodedId, (pipeline) =>
			pipeline.eval(script, [...keys], [...args]),
		);
	}

	/**
	 * Sends one command in its own pipeline. By default, the client batches the single commands of all
	 * requests in the isolate into one HTTP request, and workerd forbids I/O across requests.
	 */
	async #run(
		operation: string,
		encodedId: string | undefined,
		command: (redis: UpstashPipeline) => unknown,
	): Promise<unknown> {
		let results: unknown;
		try {
			const pipeline = this.#redis.pipeline();
			command(pipeline);
			// The given client may have no timeout of its own.
			results = await observeStorage(PACKAGE, operation, () =>
				withTimeout(this.#timeoutMs, pipeline.exec(), timeoutError),
			);
		} catch (cause) {
			if (isWrongType(cause)) throw new CorruptRecordError(PACKAGE, 'not a text');
			const host = hostOf(this.#redis);
			const reason = failureReason(cause, this.#timeoutMs, encodedId, host);
			throw new StoreError(PACKAGE, operation, reason);
		}
		if (!Array.isArray(results) || results.length !== 1) {
			throw new StoreError(PACKAGE, operation, INVALID_RESPONSE);
		}
		return results[0];
	}
}

function timeoutError(): Error {
	return new DOMException('late', 'TimeoutError');
}
