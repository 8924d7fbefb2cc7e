import { CorruptRecordError, StoreError } from '@tmcp-sessions/core';
import {
	DEFAULT_ENDED_MS,
	encodeSessionId,
	ENDED_SESSION,
	hashText,
	invalidCursor,
	isFinal,
	mergeSessionPatch,
	parseLiveSessionRecord,
	storeOperation,
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
	StateProvider,
	StateStore,
	StoreCapabilities,
	StoredSessionRecord,
} from '@tmcp-sessions/core/backend';

import { DenoKvStateStore } from './deno-kv-state-store.ts';
import { openDenoKv } from './open-deno-kv.ts';
import type { DenoKv, DenoKvAtomic, DenoKvEntry, DenoKvKey, OpenDenoKv } from './deno-kv.ts';

const PACKAGE = 'info-deno-kv';
const MAX_ID_BYTES = 512;

/** Deno KV stores at most 64 KiB a value, of which its encoding takes a few bytes. */
const MAX_RECORD_BYTES: number = 64 * 1024 - 64;

/** Entries that are deleted in one transaction, two for each subscription. */
const DELETED_AT_ONCE = 200;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Configures the store. */
export interface DenoKvStoreOptions {
	/** Opens the database, at the first use. Default: `Deno.openKv()`. */
	readonly open?: OpenDenoKv | undefined;
	/** The first part of all keys. Default: `tmcp`. */
	readonly prefix?: string | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/**
 * Stores sessions in Deno KV. A change reads an entry and writes it back if its version is the same, or
 * else starts over. Deno KV removes expired entries late, so that reads compare the expiry.
 *
 *     <prefix> session <id>         the record in UTF-8, or the mark of an ended session
 *     <prefix> uri <hash> <id>      a subscription: until when it is stored
 *     <prefix> own <id> <hash>      the same, for the end of the session
 *     <prefix> owner <hash> <id>    a session of a principal: until when it is stored
 *     <prefix> claim <id>           a single use: until when it is remembered
 *     <prefix> state <id>           the state of a session or of a handle, behind its expiry, in UTF-8
 */
export class DenoKvSessionStore
	implements SessionStore, SessionDirectory, DirectoryProvider, StateProvider, SingleUse
{
	readonly capabilities: StoreCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #open: OpenDenoKv;
	readonly #prefix: string;
	readonly #now: () => number;
	#opened: Promise<DenoKv> | undefined;
	#state: StateStore | undefined;

	constructor({ open = openDenoKv, prefix = 'tmcp', now = Date.now }: DenoKvStoreOptions = {}) {
		this.#open = open;
		this.#prefix = prefix;
		this.#now = now;
	}

	get directory(): SessionDirectory {
		return this;
	}

	get state(): StateStore {
		return (this.#state ??= new DenoKvStateStore({
			maxIdBytes: MAX_ID_BYTES,
			maxBytes: MAX_RECORD_BYTES,
			keyOf: (id) => [this.#prefix, 'state', encode(id)],
			textOf,
			run: (operation, use) => this.#run(operation, use),
			set: (...args) => this.#set(...args),
		}));
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const key = this.#sessionKey(id);
		const { value } = await this.#run('reading a session', (kv) => kv.get(key));
		return parseLiveSessionRecord(textOf(value), PACKAGE, this.#now());
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		await this.#change('storing a session', this.#sessionKey(id), (text) =>
			text !== undefined && isFinal(text)
				? undefined
				: { text: JSON.stringify(record), untilMs: record.expiresAtMs },
		);
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		return this.#change('updating a session', this.#sessionKey(id), (text) => {
			const record = parseLiveSessionRecord(text, PACKAGE, this.#now());
			const changed = record ? mergeSessionPatch(record, patch) : text === undefined && ifAbsent;
			if (!changed || record?.hasEnded) return undefined;
			return { text: JSON.stringify(changed), untilMs: changed.expiresAtMs };
		});
	}

	async delete(id: string, untilMs: number = this.#now() + DEFAULT_ENDED_MS): Promise<void> {
		const operation = 'ending a session';
		await this.#change(operation, this.#sessionKey(id), (text) => ({
			text: ENDED_SESSION,
			untilMs: this.#expiryOf(text) ?? untilMs,
		}));
		// A subscription that is made from now on finds the mark.
		const own = await this.#listAll(operation, this.#key('own', id));
		for (let index = 0; index < own.length; index += DELETED_AT_ONCE) {
			await this.#run(operation, (kv) => {
				const atomic = kv.atomic();
				for (const { key } of own.slice(index, index + DELETED_AT_ONCE)) {
					const hash = String(key.at(-1));
					atomic.delete(this.#key('own', id, hash));
					atomic.delete(this.#key('uri', hash, id));
				}
				return atomic.commit();
			});
		}
	}

	/** Does nothing if the session has ended. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const session = this.#sessionKey(id);
		const hash = await hashText(uri);
		await this.#repeat('subscribing a session', async (kv) => {
			const entry = await kv.get(session);
			if (textOf(entry.value) === ENDED_SESSION) return true;
			const atomic = kv.atomic();
			atomic.check({ key: session, versionstamp: entry.versionstamp });
			this.#set(atomic, this.#key('uri', hash, id), untilMs, untilMs);
			this.#set(atomic, this.#key('own', id, hash), untilMs, untilMs);
			return (await atomic.commit()).ok;
		});
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		encode(id);
		const hash = await hashText(uri);
		await this.#run('ending a subscription', (kv) => {
			const atomic = kv.atomic();
			atomic.delete(this.#key('uri', hash, id));
			atomic.delete(this.#key('own', id, hash));
			return atomic.commit();
		});
	}

	async subscribers(uri: string): Promise<string[]> {
		const prefix = this.#key('uri', await hashText(uri));
		const entries = await this.#listAll('listing subscribers', prefix);
		return entries.map(({ key }) => decodeURIComponent(String(key.at(-1))));
	}

	async addOwner(owner: string, id: string, untilMs: number): Promise<void> {
		await this.#run('indexing a session', (kv) => {
			const atomic = kv.atomic();
			this.#set(atomic, this.#key('owner', owner, id), untilMs, untilMs);
			return atomic.commit();
		});
	}

	async sessionsOf(owner: string): Promise<OwnedSession[]> {
		const operation = 'finding the sessions of a principal';
		const entries = await this.#listAll(operation, this.#key('owner', owner));
		return entries.map(({ key, value }) => ({
			id: decodeURIComponent(String(key.at(-1))),
			untilMs: Number(value),
		}));
	}

	async removeOwned(owner: string, ids: readonly string[]): Promise<void> {
		for (let index = 0; index < ids.length; index += DELETED_AT_ONCE) {
			await this.#run('ending the sessions of a principal', (kv) => {
				const atomic = kv.atomic();
				for (const id of ids.slice(index, index + DELETED_AT_ONCE)) {
					atomic.delete(this.#key('owner', owner, id));
				}
				return atomic.commit();
			});
		}
	}

	async list(cursor: string | undefined, limit: number): Promise<DirectoryPage> {
		if (cursor !== undefined && !/^[\w+/=-]{1,2048}$/.test(cursor)) throw invalidCursor(PACKAGE);
		return this.#run('listing sessions', async (kv) => {
			const options = cursor === undefined ? { limit } : { limit, cursor };
			const page = kv.list({ prefix: [this.#prefix, 'session'] }, options);
			const sessions: StoredSessionRecord[] = [];
			let visited = 0;
			for await (const { key, value } of page) {
				visited += 1;
				const record = this.#listed(value);
				if (record) sessions.push({ id: decodeURIComponent(String(key.at(-1))), record });
			}
			return { sessions, cursor: visited < limit ? undefined : page.cursor };
		});
	}

	async claim(id: string, untilMs: number): Promise<boolean> {
		const key: DenoKvKey = [this.#prefix, 'claim', id];
		let isFirst = false;
		await this.#repeat('claiming an id', async (kv) => {
			const { value, versionstamp } = await kv.get(key);
			isFirst = !(typeof value === 'number' && value > this.#now());
			if (!isFirst) return true;
			const atomic = kv.atomic();
			atomic.check({ key, versionstamp });
			this.#set(atomic, key, untilMs, untilMs);
			return (await atomic.commit()).ok;
		});
		return isFirst;
	}

	#listed(value: unknown): SessionRecord | undefined {
		try {
			return parseLiveSessionRecord(textOf(value), PACKAGE, this.#now());
		} catch {
			return undefined; // A corrupt record is no session.
		}
	}

	#expiryOf(text: string | undefined): number | undefined {
		try {
			return parseLiveSessionRecord(text, PACKAGE, this.#now())?.expiresAtMs;
		} catch {
			return undefined; // The record is corrupt and is being replaced.
		}
	}

	/** Changes a text. Returns false if `change` returns undefined. */
	async #change(
		operation: string,
		key: DenoKvKey,
		change: (
			text: string | undefined,
		) => { readonly text: string; readonly untilMs: number } | undefined,
	): Promise<boolean> {
		let isChanged = false;
		await this.#repeat(operation, async (kv) => {
			const { value, versionstamp } = await kv.get(key);
			const changed = change(textOf(value));
			isChanged = changed !== undefined;
			if (!changed) return true;
			const bytes = encoder.encode(changed.text);
			if (bytes.length > MAX_RECORD_BYTES) {
				const reason = `the metadata of a session must have at most ${MAX_RECORD_BYTES} bytes in Deno KV; got ${bytes.length}`;
				throw new StoreError(PACKAGE, operation, reason);
			}
			const atomic = kv.atomic();
			atomic.check({ key, versionstamp });
			this.#set(atomic, key, bytes, changed.untilMs);
			return (await atomic.commit()).ok;
		});
		return isChanged;
	}

	/** Runs a transaction until it returns true: false means that a checked entry has changed. */
	async #repeat(operation: string, transaction: (kv: DenoKv) => Promise<boolean>): Promise<void> {
		while (!(await this.#run(operation, transaction)));
	}

	#set(atomic: DenoKvAtomic, key: DenoKvKey, value: unknown, untilMs: number): void {
		atomic.set(key, value, { expireIn: Math.max(1, Math.ceil(untilMs - this.#now())) });
	}

	/** Returns the live entries under a prefix, whose values are the times until which they are stored. */
	async #listAll(operation: string, prefix: DenoKvKey): Promise<DenoKvEntry[]> {
		return this.#run(operation, async (kv) => {
			const entries: DenoKvEntry[] = [];
			for await (const entry of kv.list({ prefix })) {
				if (Number(entry.value) > this.#now()) entries.push(entry);
			}
			return entries;
		});
	}

	async #run<Result>(operation: string, use: (kv: DenoKv) => Promise<Result>): Promise<Result> {
		return storeOperation(PACKAGE, operation, async () => {
			const opened = (this.#opened ??= this.#open());
			let kv: DenoKv;
			try {
				kv = await opened;
			} catch (error) {
				if (this.#opened === opened) this.#opened = undefined; // The next use tries again.
				throw error;
			}
			return use(kv);
		});
	}

	#sessionKey(id: string): DenoKvKey {
		return [this.#prefix, 'session', encode(id)];
	}

	/** Builds a key of an entry that belongs to a session, or a prefix of such keys. */
	#key(kind: 'own' | 'owner' | 'uri', first: string, second?: string): DenoKvKey {
		const [id, hash] = kind === 'own' ? [first, second] : [second, first];
		const encodedId = id === undefined ? [] : [encode(id)];
		const hashes = hash === undefined ? [] : [hash];
		const parts = kind === 'own' ? [...encodedId, ...hashes] : [...hashes, ...encodedId];
		return [this.#prefix, kind, ...parts];
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}

/** Returns the text of a stored value; `undefined` if there is none. */
function textOf(value: unknown): string | undefined {
	if (value === null) return undefined;
	if (value instanceof Uint8Array) return decoder.decode(value);
	throw new CorruptRecordError(PACKAGE, 'not a text in UTF-8');
}
