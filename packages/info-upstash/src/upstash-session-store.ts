import { CorruptRecordError, StoreError } from '@tmcp-sessions/core';
import {
	DEFAULT_ENDED_MS,
	encodeSessionId,
	hashText,
	invalidCursor,
	parseLiveSessionRecord,
	withTimeout,
} from '@tmcp-sessions/core/backend';
import type {
	DirectoryPage,
	DirectoryProvider,
	OwnedSession,
	SessionDirectory,
	SessionPatch,
	SessionRecord,
	SessionStore,
	SingleUse,
	StoreCapabilities,
	StoredSessionRecord,
} from '@tmcp-sessions/core/backend';
import { failureReason, hostOf, INVALID_RESPONSE, isWrongType } from './failure-reason.ts';
import {
	ADD_OWNER,
	CLAIM,
	CLAIMED,
	CORRUPT,
	CREATE,
	DELETE,
	LIST,
	REMOVE_OWNED,
	SESSIONS_OF,
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
export class UpstashSessionStore
	implements SessionStore, SessionDirectory, DirectoryProvider, SingleUse
{
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

	get directory(): SessionDirectory {
		return this;
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

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		const encodedId = encode(id);
		const absent = ifAbsent
			? [toStoredFields(ifAbsent), this.#ttl(ifAbsent.expiresAtMs)]
			: ['', ''];
		const args = [toStoredFields(patch), String(this.#now()), ...absent];
		const keys = [this.#keys.session(encodedId)];
		const result = await this.#script('updating a session', UPDATE, keys, args, encodedId);
		if (result === CORRUPT) throw new CorruptRecordError(PACKAGE, 'not lines of fields');
		return result === UPDATED;
	}

	async delete(id: string, untilMs: number = this.#now() + DEFAULT_ENDED_MS): Promise<void> {
		const encodedId = encode(id);
		const args = [encodedId, this.#keys.uri(''), this.#ttl(untilMs)];
		const keys = [this.#keys.session(encodedId), this.#keys.own(encodedId)];
		await this.#script('ending a session', DELETE, keys, args, encodedId);
	}

	/** Does nothing if the session has ended. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const encodedId = encode(id);
		const hash = await hashText(uri);
		const keys = [this.#keys.session(encodedId), this.#keys.uri(hash), this.#keys.own(encodedId)];
		const times = [String(untilMs), this.#ttl(untilMs), String(this.#now())];
		const args = [encodedId, hash, ...times];
		await this.#script('subscribing a session', SUBSCRIBE, keys, args, encodedId);
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		const encodedId = encode(id);
		const hash = await hashText(uri);
		const keys = [this.#keys.uri(hash), this.#keys.own(encodedId)];
		const args = [encodedId, hash];
		await this.#script('ending a subscription', UNSUBSCRIBE, keys, args, encodedId);
	}

	async subscribers(uri: string): Promise<string[]> {
		const keys = [this.#keys.uri(await hashText(uri))];
		const args = [String(this.#now())];
		const members = await this.#script('listing subscribers', SUBSCRIBERS, keys, args);
		if (!Array.isArray(members)) throw invalidResponse('listing subscribers');
		// A client that parses its responses returns a number for the id 123, and null for the id null.
		return members.map((member) => decodeURIComponent(String(member)));
	}

	async addOwner(owner: string, id: string, untilMs: number): Promise<void> {
		const encodedId = encode(id);
		const args = [encodedId, String(untilMs), this.#ttl(untilMs), String(this.#now())];
		const keys = [this.#keys.owner(owner)];
		await this.#script('indexing a session', ADD_OWNER, keys, args, encodedId);
	}

	async sessionsOf(owner: string): Promise<OwnedSession[]> {
		const operation = 'finding the sessions of a principal';
		const args = [String(this.#now())];
		const found = await this.#script(operation, SESSIONS_OF, [this.#keys.owner(owner)], args);
		return pairsOf(found, operation).map(([id, untilMs]) => ({
			id: decodeURIComponent(id),
			untilMs: Number(untilMs),
		}));
	}

	async removeOwned(owner: string, ids: readonly string[]): Promise<void> {
		const keys = [this.#keys.owner(owner)];
		await this.#script('ending the sessions of a principal', REMOVE_OWNED, keys, ids.map(encode));
	}

	/** Scans all keys of the database: a page may have no session. A session may be in two pages. */
	async list(cursor: string | undefined, limit: number): Promise<DirectoryPage> {
		if (cursor !== undefined && !/^\d{1,20}$/.test(cursor)) throw invalidCursor(PACKAGE);
		const operation = 'listing sessions';
		const args = [cursor ?? '0', this.#keys.sessions, String(limit)];
		const found = await this.#script(operation, LIST, [], args);
		if (!Array.isArray(found)) throw invalidResponse(operation);
		const values: readonly unknown[] = found;
		const [next, ...rest] = values;
		const prefix = this.#keys.session('');
		const sessions = pairsOf(rest, operation).flatMap(([key, text]): StoredSessionRecord[] => {
			const record = this.#listed(text);
			return record ? [{ id: decodeURIComponent(key.slice(prefix.length)), record }] : [];
		});
		return { sessions, cursor: String(next) === '0' ? undefined : String(next) };
	}

	#listed(text: string): SessionRecord | undefined {
		try {
			return parseLiveSessionRecord(storedFieldsToJson(text, PACKAGE), PACKAGE, this.#now());
		} catch {
			return undefined; // A corrupt record is no session.
		}
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
			const host = hostOf(this.#redis);
			const reason = failureReason(cause, this.#timeoutMs, encodedId, host);
			throw new StoreError(PACKAGE, operation, reason);
		}
		if (!Array.isArray(results) || results.length !== 1) throw invalidResponse(operation);
		return results[0];
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}

/** Returns a list of alternating names and values as pairs. */
function pairsOf(list: unknown, operation: string): [string, string][] {
	if (!Array.isArray(list) || list.length % 2 !== 0) throw invalidResponse(operation);
	const pairs: [string, string][] = [];
	for (let index = 0; index < list.length; index += 2) {
		pairs.push([String(list[index]), String(list[index + 1])]);
	}
	return pairs;
}

function invalidResponse(operation: string): StoreError {
	return new StoreError(PACKAGE, operation, INVALID_RESPONSE);
}

function timeoutError(): Error {
	return new DOMException('late', 'TimeoutError');
}
