import type { KVNamespace } from '@cloudflare/workers-types';
import {
	encodeSessionId,
	ENDED_SESSION,
	hashUri,
	mergeSessionPatch,
	parseLiveSessionRecord,
	sleep,
	storeOperation,
} from '@tmcp-sessions/core/backend';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';
import { kvNamespace } from './kv-binding.ts';
import {
	endedKey,
	MAX_ID_BYTES,
	sessionKey,
	subscribersPrefix,
	subscriptionsPrefix,
} from './kv-keys.ts';
import { retryRateLimited } from './write-retry.ts';

const PACKAGE = 'info-kv';
/** The shortest `expirationTtl` that KV accepts. */
const MIN_TTL_SECONDS = 60;

/** Options of `KVSessionStore`, for tests. */
export interface KVSessionStoreOptions {
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
	/** Waits for a number of milliseconds. Default: a timer. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/** Stores sessions in a Workers KV namespace. Every key has a TTL. */
export class KVSessionStore implements SessionStore {
	readonly capabilities: StoreCapabilities = {
		consistency: 'eventual',
		visibleWithinSeconds: 60,
		ttlFloorSeconds: MIN_TTL_SECONDS,
		atomicUpdate: false,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #binding: string | KVNamespace;
	/** The resolved binding, which does not change during the life of the isolate. */
	#namespace: KVNamespace | undefined;
	readonly #now: () => number;
	readonly #sleep: (ms: number) => Promise<void>;

	/** @param binding a namespace, or a name in the `env` of `cloudflare:workers`, resolved at first use. */
	constructor(binding: string | KVNamespace, options: KVSessionStoreOptions = {}) {
		this.#binding = binding;
		this.#now = options.now ?? Date.now;
		this.#sleep = options.sleep ?? sleep;
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const key = sessionKey(encode(id));
		const text = await this.#try('reading a session', () => this.#kv.get(key));
		return parseLiveSessionRecord(text, PACKAGE, this.#now());
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		const key = sessionKey(encode(id));
		let isRetry = false;
		await this.#write('storing a session', async () => {
			// KV rejected the first attempt because of another write to the key, which may have ended the
			// session.
			if (isRetry && (await this.#kv.get(key)) === ENDED_SESSION) return;
			isRetry = true;
			await this.#putRecord(key, record);
		});
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const encodedId = encode(id);
		const key = sessionKey(encodedId);
		// A retry repeats the reads, because the session may have ended in the meantime.
		return this.#write('updating a session', async () => {
			// A location may return the record from its cache, and the write would revive a session that
			// another location has ended. The second key is read only here, so it is not cached.
			const [text, ended] = await Promise.all([
				this.#kv.get(key),
				this.#kv.get(endedKey(encodedId)),
			]);
			const record = parseLiveSessionRecord(text, PACKAGE, this.#now());
			if (!record || ended !== null) return false;
			await this.#putRecord(key, mergeSessionPatch(record, patch));
			return true;
		});
	}

	async delete(id: string): Promise<void> {
		const encodedId = encode(id);
		const key = sessionKey(encodedId);
		await this.#write('ending a session', async () => {
			const text = await this.#kv.get(key);
			// Without a record, continue: another location may have opened the session a moment ago.
			if (text === ENDED_SESSION) return;
			const expiresAtMs = this.#expiryOf(text);
			await this.#put(endedKey(encodedId), ENDED_SESSION, expiresAtMs);
			await this.#put(key, ENDED_SESSION, expiresAtMs);
		});
		for await (const page of this.#list(subscriptionsPrefix(encodedId))) {
			await Promise.all(page.map((uriHash) => this.#deleteSubscription(encodedId, uriHash)));
		}
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const encodedId = encode(id);
		const uriHash = await hashUri(uri);
		// In this order: if the second write fails, `delete` still finds the subscription.
		for (const key of [
			subscriptionsPrefix(encodedId) + uriHash,
			subscribersPrefix(uriHash) + encodedId,
		])
			await this.#write('subscribing a session', () => this.#put(key, '', untilMs));
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		await this.#deleteSubscription(encode(id), await hashUri(uri));
	}

	async subscribers(uri: string): Promise<string[]> {
		const ids: string[] = [];
		for await (const page of this.#list(subscribersPrefix(await hashUri(uri)))) {
			ids.push(...page.map(decodeURIComponent));
		}
		return ids;
	}

	get #kv(): KVNamespace {
		return (this.#namespace ??= kvNamespace(this.#binding));
	}

	#putRecord(key: string, record: SessionRecord): Promise<void> {
		return this.#put(key, JSON.stringify(record), record.expiresAtMs);
	}

	#put(key: string, value: string, expiresAtMs: number): Promise<void> {
		const seconds = Math.ceil((expiresAtMs - this.#now()) / 1000);
		return this.#kv.put(key, value, { expirationTtl: Math.max(MIN_TTL_SECONDS, seconds) });
	}

	async #deleteSubscription(encodedId: string, uriHash: string): Promise<void> {
		for (const key of [
			subscribersPrefix(uriHash) + encodedId,
			subscriptionsPrefix(encodedId) + uriHash,
		])
			await this.#write('ending a subscription', () => this.#kv.delete(key));
	}

	/** Yields the keys with this prefix, without it, page by page. */
	async *#list(prefix: string): AsyncGenerator<string[]> {
		let cursor: string | undefined;
		do {
			const page = await this.#try('listing subscriptions', () =>
				this.#kv.list({ prefix, ...(cursor !== undefined && { cursor }) }),
			);
			yield page.keys.map(({ name }) => name.slice(prefix.length));
			cursor = page.list_complete ? undefined : page.cursor;
		} while (cursor !== undefined);
	}

	/** Returns the expiry of the record, or now (the shortest TTL) if there is none. */
	#expiryOf(text: string | null): number {
		try {
			const record = parseLiveSessionRecord(text, PACKAGE, this.#now());
			return record?.expiresAtMs ?? this.#now();
		} catch {
			return this.#now(); // The record is corrupt and is being overwritten.
		}
	}

	#write<Result>(operation: string, write: () => Promise<Result>): Promise<Result> {
		return this.#try(operation, () => retryRateLimited(write, this.#sleep));
	}

	#try<Result>(operation: string, run: () => Promise<Result>): Promise<Result> {
		return storeOperation(PACKAGE, operation, run);
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}
