import { CorruptRecordError, StoreError } from '@tmcp-sessions/core';
import {
	encodeSessionId,
	hashUri,
	parseLiveSessionRecord,
	withTimeout,
} from '@tmcp-sessions/core/backend';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	SingleUse,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';
import { failureReason, INVALID_RESPONSE, isWrongType } from './failure-reason.ts';
import {
	CLAIM,
	CLAIMED,
	CORRUPT,
	CREATE,
	DELETE,
	SUBSCRIBE,
	SUBSCRIBERS,
	UNSUBSCRIBE,
	UPDATE,
	UPDATED,
} from './scripts.ts';
import { storedFieldsToJson, toStoredFields } from './stored-fields.ts';
import { DEFAULT_TIMEOUT_MS } from './upstash-client.ts';
import type { UpstashPipeline, UpstashRedis } from './upstash-client.ts';
import { UpstashKeys } from './upstash-keys.ts';

const PACKAGE = 'info-upstash';
const MAX_ID_BYTES = 1024;
/** The TTL of the tombstone if the key of the session had none, so another program wrote it. */
const FOREIGN_TTL_MS = 86_400_000;

/** The database, its keys and the timeout. */
export interface UpstashSessionStoreOptions {
	/** A client of `@upstash/redis`. */
	readonly redis: UpstashRedis;
	/** The prefix of all keys. Default: `tmcp:`. */
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
export class UpstashSessionStore implements SessionStore, SingleUse {
	readonly capabilities: StoreCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #redis: UpstashRedis;
	readonly #keys: UpstashKeys;
	readonly #timeoutMs: number;
	readonly #now: () => number;

	constructor(options: UpstashSessionStoreOptions) {
		this.#redis = options.redis;
		this.#keys = new UpstashKeys(options.prefix ?? 'tmcp:');
		this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
		this.#now = options.now ?? Date.now;
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const encodedId = encode(id);
		const key = this.#keys.session(encodedId);
		const stored = await this.#run('reading a session', encodedId, (redis) => redis.getex(key));
		if (stored === null) return undefined;
		return parseLiveSessionRecord(storedFieldsToJson(stored, PACKAGE), PACKAGE, this.#now());
	}

	/** Stores a new session. An ended session stays ended. */
	async create(id: string, record: SessionRecord): Promise<void> {
		const encodedId = encode(id);
		const args = [toStoredFields(record), this.#ttl(record.expiresAtMs)];
		const keys = [this.#keys.session(encodedId)];
		await this.#script('storing a session', CREATE, keys, args, encodedId);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const encodedId = encode(id);
		const args = [toStoredFields(patch), String(this.#now())];
		const keys = [this.#keys.session(encodedId)];
		const result = await this.#script('updating a session', UPDATE, keys, args, encodedId);
		if (result === CORRUPT) throw new CorruptRecordError(PACKAGE, 'not lines of fields');
		return result === UPDATED;
	}

	async delete(id: string): Promise<void> {
		const encodedId = encode(id);
		const args = [encodedId, this.#keys.uri(''), String(FOREIGN_TTL_MS)];
		const keys = [this.#keys.session(encodedId), this.#keys.own(encodedId)];
		await this.#script('ending a session', DELETE, keys, args, encodedId);
	}

	/** Does nothing if the session has ended. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const encodedId = encode(id);
		const hash = await hashUri(uri);
		const keys = [this.#keys.session(encodedId), this.#keys.uri(hash), this.#keys.own(encodedId)];
		const times = [String(untilMs), this.#ttl(untilMs), String(this.#now())];
		const args = [encodedId, hash, ...times];
		await this.#script('subscribing a session', SUBSCRIBE, keys, args, encodedId);
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		const encodedId = encode(id);
		const hash = await hashUri(uri);
		const keys = [this.#keys.uri(hash), this.#keys.own(encodedId)];
		const args = [encodedId, hash];
		await this.#script('ending a subscription', UNSUBSCRIBE, keys, args, encodedId);
	}

	async subscribers(uri: string): Promise<string[]> {
		const keys = [this.#keys.uri(await hashUri(uri))];
		const args = [String(this.#now())];
		const members = await this.#script('listing subscribers', SUBSCRIBERS, keys, args);
		if (!Array.isArray(members)) throw invalidResponse('listing subscribers');
		// A client that parses its responses returns a number for the id 123, and null for the id null.
		return members.map((member) => decodeURIComponent(String(member)));
	}

	/** Each call has its own claimant id, so that a retry by the client is the same claim. */
	async claim(id: string, untilMs: number): Promise<boolean> {
		const args = [crypto.randomUUID(), this.#ttl(untilMs)];
		const result = await this.#script('claiming an id', CLAIM, [this.#keys.claim(id)], args, id);
		if (result !== CLAIMED && result !== 0) throw invalidResponse('claiming an id');
		return result === CLAIMED;
	}

	#ttl(untilMs: number): string {
		return String(Math.max(1, Math.ceil(untilMs - this.#now())));
	}

	#script(
		operation: string,
		script: string,
		keys: string[],
		args: string[],
		encodedId?: string,
	): Promise<unknown> {
		return this.#run(operation, encodedId, (redis) => redis.eval(script, keys, args));
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
			results = await withTimeout(this.#timeoutMs, pipeline.exec(), timeoutError);
		} catch (cause) {
			if (isWrongType(cause)) throw new CorruptRecordError(PACKAGE, 'not a text');
			throw new StoreError(PACKAGE, operation, failureReason(cause, this.#timeoutMs, encodedId));
		}
		if (!Array.isArray(results) || results.length !== 1) throw invalidResponse(operation);
		return results[0];
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}

function invalidResponse(operation: string): StoreError {
	return new StoreError(PACKAGE, operation, INVALID_RESPONSE);
}

function timeoutError(): Error {
	return new DOMException('late', 'TimeoutError');
}
