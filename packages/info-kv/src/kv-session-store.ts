import {
	currentScope,
	DEFAULT_ENDED_MS,
	encodeSessionId,
	ENDED_SESSION,
	hashText,
	mergeSessionPatch,
	parseLiveSessionRecord,
	sleep,
	storeOperation,
} from '@tmcp-sessions/core/backend';
import type {
	BindingRequirement,
	BindingUser,
	DirectoryProvider,
	SessionDirectory,
	SessionPatch,
	SessionRecord,
	SessionStore,
	StateProvider,
	StateStore,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';
import { EndChecks, isCheckDue, MAX_WRITE_DELAY_MS } from './end-checks.ts';
import { kvNamespace, kvRequirement } from './kv-binding.ts';
import { KVDirectory } from './kv-directory.ts';
import {
	endedKey,
	MAX_ID_BYTES,
	sessionKey,
	subscribersPrefix,
	subscriptionsPrefix,
} from './kv-keys.ts';
import { KVStateStore } from './kv-state-store.ts';
import { MIN_TTL_SECONDS, ttlSeconds } from './kv-ttl.ts';
import { retryRateLimited } from './write-retry.ts';

const PACKAGE = 'info-kv';
/** An update that another location begins before it sees the end may write a later expiry than `untilMs`. */
const ENDED_MARGIN_MS = 2 * 60_000;

/**
 * What a record's key holds. KV has no conditional write: a location that has not seen the end of a
 * session may write its record over the tombstone. So each such write names the time at which its
 * writer has found no end, and `read` looks for the end again.
 */
interface StoredRecord extends SessionRecord {
	/** Undefined if no end can have preceded the write. */
	readonly checkedAtMs?: number;
}

/** Options of `KVSessionStore`; `now` and `sleep` are for tests. */
export interface KVSessionStoreOptions {
	/** Indexes sessions by principal, which costs one more write per session. Default: false. */
	readonly administration?: boolean | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
	/** Waits for a number of milliseconds. Default: a timer. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/** Stores sessions in a Workers KV namespace. Every key has a TTL. */
export class KVSessionStore implements SessionStore, DirectoryProvider, StateProvider, BindingUser {
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
	readonly #checks = new EndChecks();
	#state: StateStore | undefined;
	/** Undefined without the option `administration`. */
	readonly directory: SessionDirectory | undefined;

	/** @param binding a namespace, or a name in the `env` of `cloudflare:workers`, resolved at first use. */
	constructor(binding: string | KVNamespace, options: KVSessionStoreOptions = {}) {
		this.#binding = binding;
		this.#now = options.now ?? Date.now;
		this.#sleep = options.sleep ?? sleep;
		this.directory = options.administration
			? new KVDirectory({
					kv: () => this.#kv,
					now: this.#now,
					read: (id) => this.read(id),
					write: (operation, write) => this.#write(operation, write),
				})
			: undefined;
	}

	get state(): StateStore {
		return (this.#state ??= new KVStateStore({
			kv: () => this.#kv,
			now: this.#now,
			read: (operation, read) => this.#try(operation, read),
			write: (operation, write) => this.#write(operation, write),
		}));
	}

	requiredBindings(): readonly BindingRequirement[] {
		return [kvRequirement(this.#binding)];
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const encodedId = encode(id);
		const key = sessionKey(encodedId);
		const text = await this.#try('reading a session', () => this.#kv.get(key));
		const stored = this.#parse(text);
		if (stored?.checkedAtMs === undefined) return stored;
		const { checkedAtMs, ...record } = stored;
		const nowMs = this.#now();
		if (!isCheckDue(checkedAtMs, this.#checks.lastMs(encodedId, checkedAtMs), nowMs)) return record;
		const end = await this.#try('reading the end of a session', () =>
			this.#kv.get(endedKey(encodedId)),
		);
		if (end !== null) return this.#parse(end);
		this.#checks.add(encodedId, checkedAtMs, nowMs);
		return record;
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		const key = sessionKey(encode(id));
		let isRetry = false;
		// With a scope, the client gets the id after this write. Without, it may have ended the session.
		const stored: StoredRecord = currentScope() ? record : { ...record, checkedAtMs: this.#now() };
		await this.#write('storing a session', async () => {
			// KV rejected the first attempt because of another write to the key, which may have ended the
			// session.
			if (isRetry && (await this.#kv.get(key)) === ENDED_SESSION) return;
			isRetry = true;
			await this.#putRecord(key, stored);
		});
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		const encodedId = encode(id);
		const key = sessionKey(encodedId);
		// A retry repeats the reads, because the session may have ended in the meantime.
		return this.#write('updating a session', async () => {
			const checkedAtMs = this.#now();
			const [text, end] = await Promise.all([this.#kv.get(key), this.#kv.get(endedKey(encodedId))]);
			const stored = this.#parse(text);
			if (end !== null || stored?.hasEnded) return false;
			const changed = stored ? mergeSessionPatch(stored, patch) : text === null && ifAbsent;
			if (!changed) return false;
			const { checkedAtMs: _replaced, ...record }: StoredRecord = changed;
			if (record.hasEnded) {
				await this.#put(
					endedKey(encodedId),
					JSON.stringify(record),
					markExpiry(record.expiresAtMs),
				);
				await this.#putRecord(key, record);
				return true;
			}
			const delayMs = this.#now() - checkedAtMs;
			if (delayMs > MAX_WRITE_DELAY_MS) {
				throw new Error(`KV took ${delayMs} ms to read the session; nothing was written`);
			}
			await this.#putRecord(key, { ...record, checkedAtMs });
			return true;
		});
	}

	async delete(id: string, untilMs: number = this.#now() + DEFAULT_ENDED_MS): Promise<void> {
		const encodedId = encode(id);
		const key = sessionKey(encodedId);
		await this.#write('ending a session', async () => {
			const text = await this.#kv.get(key);
			// Without a record, continue: another location may have opened the session a moment ago.
			if (text === ENDED_SESSION) return;
			const expiresAtMs = this.#expiryOf(text);
			const markMs = markExpiry(Math.max(expiresAtMs, untilMs));
			await this.#put(endedKey(encodedId), ENDED_SESSION, markMs);
			await this.#put(key, ENDED_SESSION, expiresAtMs);
		});
		for await (const page of this.#list(subscriptionsPrefix(encodedId))) {
			await Promise.all(page.map((uriHash) => this.#deleteSubscription(encodedId, uriHash)));
		}
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const encodedId = encode(id);
		const uriHash = await hashText(uri);
		// In this order: if the second write fails, `delete` still finds the subscription.
		for (const key of [
			subscriptionsPrefix(encodedId) + uriHash,
			subscribersPrefix(uriHash) + encodedId,
		])
			await this.#write('subscribing a session', () => this.#put(key, '', untilMs));
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		await this.#deleteSubscription(encode(id), await hashText(uri));
	}

	async subscribers(uri: string): Promise<string[]> {
		const ids: string[] = [];
		for await (const page of this.#list(subscribersPrefix(await hashText(uri)))) {
			ids.push(...page.map(decodeURIComponent));
		}
		return ids;
	}

	get #kv(): KVNamespace {
		return (this.#namespace ??= kvNamespace(this.#binding));
	}

	#parse(text: string | null): StoredRecord | undefined {
		return parseLiveSessionRecord(text, PACKAGE, this.#now());
	}

	#putRecord(key: string, record: StoredRecord): Promise<void> {
		return this.#put(key, JSON.stringify(record), record.expiresAtMs);
	}

	#put(key: string, value: string, expiresAtMs: number): Promise<void> {
		return this.#kv.put(key, value, { expirationTtl: ttlSeconds(expiresAtMs - this.#now()) });
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
			return this.#parse(text)?.expiresAtMs ?? this.#now();
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

/** Returns when the mark of an ended session may be removed. It must outlive every record of the session. */
function markExpiry(latestExpiryMs: number): number {
	return latestExpiryMs + ENDED_MARGIN_MS;
}
