import { CorruptRecordError, StoreError } from '@tmcp-sessions/core';
import { encodeSessionId, hashUri, parseLiveSessionRecord } from '@tmcp-sessions/core/backend';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	SingleUse,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';
import { failureReason, isWrongType, NOT_THE_PROTOCOL } from './failure-reason.ts';
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
/** How long an id stays ended where something foreign without an expiry lay in its place. */
const FOREIGN_TTL_MS = 86_400_000;

/** Where the sessions are, and how long to wait. */
export interface UpstashSessionStoreOptions {
	/** A client of `@upstash/redis`. */
	readonly redis: UpstashRedis;
	/** What all keys begin with. Default: `tmcp:`. */
	readonly prefix?: string | undefined;
	/** When to give an operation up. What it writes may still happen later. Default: 5000. */
	readonly timeoutMs?: number | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/**
 * Keeps sessions in Upstash Redis: one HTTP request for each operation, which Redis runs as one step.
 *
 * Reads go out as GETEX and as scripts that may write, which Upstash sends to the primary as it does
 * every write: what it takes for a read, any replica may answer with what was true a moment ago.
 * https://upstash.com/docs/redis/features/consistency
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

	/** A create that comes after the end of the session does not bring it back. */
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
		if (result === CORRUPT) throw new CorruptRecordError(PACKAGE, 'it is no text of fields');
		return result === UPDATED;
	}

	async delete(id: string): Promise<void> {
		const encodedId = encode(id);
		const args = [encodedId, this.#keys.uri(''), String(FOREIGN_TTL_MS)];
		const keys = [this.#keys.session(encodedId), this.#keys.own(encodedId)];
		await this.#script('ending a session', DELETE, keys, args, encodedId);
	}

	/** A session that has ended subscribes to nothing. */
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
		if (!Array.isArray(members)) throw unexpected('listing subscribers');
		// A client that parses what it reads makes a number of the id 123, and null of null.
		return members.map((member) => decodeURIComponent(String(member)));
	}

	/** By a claimant of its own: a command that the client sends again is the same claim. */
	async claim(id: string, untilMs: number): Promise<boolean> {
		const args = [crypto.randomUUID(), this.#ttl(untilMs)];
		const result = await this.#script('claiming an id', CLAIM, [this.#keys.claim(id)], args, id);
		if (result !== CLAIMED && result !== 0) throw unexpected('claiming an id');
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
	 * Sends one command, in a pipeline of its own: single commands of a client share a request with
	 * those of whoever else is at work in the isolate, which workerd does not allow.
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
			results = await within(this.#timeoutMs, pipeline.exec());
		} catch (cause) {
			if (isWrongType(cause)) throw new CorruptRecordError(PACKAGE, 'it is no text');
			throw new StoreError(PACKAGE, operation, failureReason(cause, this.#timeoutMs, encodedId));
		}
		if (!Array.isArray(results) || results.length !== 1) throw unexpected(operation);
		return results[0];
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}

function unexpected(operation: string): StoreError {
	return new StoreError(PACKAGE, operation, NOT_THE_PROTOCOL);
}

/** The outcome of the work, or a `TimeoutError`: a client that was handed in may wait for ever. */
function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new DOMException('late', 'TimeoutError')), ms);
		work.finally(() => clearTimeout(timer)).then(resolve, reject);
	});
}
