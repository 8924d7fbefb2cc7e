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
import { retryWhenTooSoon } from './write-retry.ts';

const PACKAGE = 'info-kv';
/** KV refuses an `expirationTtl` below this. */
const MIN_TTL_SECONDS = 60;

/** Settings of `KVSessionStore`, for tests. */
export interface KVSessionStoreOptions {
	/** The time in milliseconds since the epoch. `Date.now` unless given. */
	readonly now?: (() => number) | undefined;
	/** Waits so many milliseconds. A timer unless given. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/** Keeps sessions in a Workers KV namespace. Every key has a TTL. */
export class KVSessionStore implements SessionStore {
	readonly capabilities: StoreCapabilities = {
		consistency: 'eventual',
		visibleWithinSeconds: 60,
		ttlFloorSeconds: MIN_TTL_SECONDS,
		atomicUpdate: false,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #binding: string | KVNamespace;
	/** The binding once it was looked up: it stays the same as long as the isolate. */
	#namespace: KVNamespace | undefined;
	readonly #now: () => number;
	readonly #sleep: (ms: number) => Promise<void>;

	/** @param binding a name in `env` of `cloudflare:workers`, looked up at the first use. */
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
		let wasRefused = false;
		await this.#write('storing a session', async () => {
			// Refused, because somebody else has just written to the key: to end the session perhaps.
			if (wasRefused && (await this.#kv.get(key)) === ENDED_SESSION) return;
			wasRefused = true;
			await this.#putRecord(key, record);
		});
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const encodedId = encode(id);
		const key = sessionKey(encodedId);
		// A write that was refused begins anew with the read: the session may have ended meanwhile.
		return this.#write('updating a session', async () => {
			// A location that was just asked for the record may answer from its cache, and bring a
			// session back that was ended elsewhere. For this key it was not asked.
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
			// Where nothing is found the session may have been opened elsewhere and not be visible here.
			if (text === ENDED_SESSION) return;
			const expiresAtMs = this.#expiryOf(text);
			await this.#put(endedKey(encodedId), ENDED_SESSION, expiresAtMs);
			await this.#put(key, ENDED_SESSION, expiresAtMs);
		});
		for await (const page of this.#list(subscriptionsPrefix(encodedId))) {
			await Promise.all(page.map((uriHash) => this.#forgetSubscription(encodedId, uriHash)));
		}
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const encodedId = encode(id);
		const uriHash = await hashUri(uri);
		// In this order a failure in between leaves nothing that ending the session would not find.
		for (const key of [
			subscriptionsPrefix(encodedId) + uriHash,
			subscribersPrefix(uriHash) + encodedId,
		])
			await this.#write('subscribing a session', () => this.#put(key, '', untilMs));
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		await this.#forgetSubscription(encode(id), await hashUri(uri));
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

	async #forgetSubscription(encodedId: string, uriHash: string): Promise<void> {
		for (const key of [
			subscribersPrefix(uriHash) + encodedId,
			subscriptionsPrefix(encodedId) + uriHash,
		])
			await this.#write('ending a subscription', () => this.#kv.delete(key));
	}

	/** The rest of all keys that begin with `prefix`, page by page. */
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

	/** When the record in `text` ends; now, which makes the shortest TTL, where there is none. */
	#expiryOf(text: string | null): number {
		try {
			const record = parseLiveSessionRecord(text, PACKAGE, this.#now());
			return record?.expiresAtMs ?? this.#now();
		} catch {
			return this.#now(); // Corrupt: it is being overwritten.
		}
	}

	#write<Result>(operation: string, write: () => Promise<Result>): Promise<Result> {
		return this.#try(operation, () => retryWhenTooSoon(write, this.#sleep));
	}

	#try<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
		return storeOperation(PACKAGE, operation, work);
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}
