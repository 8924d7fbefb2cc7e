import { CorruptRecordError } from '@tmcp-sessions/core';
import { storeOperation } from '@tmcp-sessions/core/backend';
import type {
	DirectoryPage,
	OwnedSession,
	SessionDirectory,
	SessionRecord,
	StoredSessionRecord,
} from '@tmcp-sessions/core/backend';
import { ownedPrefix, SESSIONS_PREFIX } from './kv-keys.ts';
import { ttlSeconds } from './kv-ttl.ts';

const PACKAGE = 'info-kv';

/** What the directory uses of its store. */
export interface KVDirectoryStore {
	/** Returns the namespace, which is resolved at first use. */
	readonly kv: () => KVNamespace;
	readonly now: () => number;
	readonly read: (id: string) => Promise<SessionRecord | undefined>;
	/** Runs a write, and repeats it if KV limits its rate. */
	readonly write: (operation: string, write: () => Promise<void>) => Promise<void>;
}

/** Finds the sessions of a KV namespace. Lists are as stale as reads: up to a minute. */
export class KVDirectory implements SessionDirectory {
	readonly #store: KVDirectoryStore;

	constructor(store: KVDirectoryStore) {
		this.#store = store;
	}

	addOwner(owner: string, id: string, untilMs: number): Promise<void> {
		const { kv, now, write } = this.#store;
		const key = ownedPrefix(owner) + encodeURIComponent(id);
		const put = (): Promise<void> =>
			kv().put(key, '', { expirationTtl: ttlSeconds(untilMs - now()) });
		return write('indexing a session', put);
	}

	async sessionsOf(owner: string): Promise<OwnedSession[]> {
		const prefix = ownedPrefix(owner);
		const owned: OwnedSession[] = [];
		let cursor: string | undefined;
		do {
			const page = await this.#list({ prefix, ...(cursor !== undefined && { cursor }) });
			for (const { name, expiration = 0 } of page.keys) {
				const id = decodeURIComponent(name.slice(prefix.length));
				owned.push({ id, untilMs: expiration * 1000 });
			}
			cursor = page.list_complete ? undefined : page.cursor;
		} while (cursor !== undefined);
		return owned;
	}

	async removeOwned(owner: string, ids: readonly string[]): Promise<void> {
		const { kv, write } = this.#store;
		for (const id of ids) {
			const key = ownedPrefix(owner) + encodeURIComponent(id);
			await write('ending the sessions of a principal', () => kv().delete(key));
		}
	}

	/** Costs one list, and a read for each session. */
	async list(cursor: string | undefined, limit: number): Promise<DirectoryPage> {
		const from = cursor === undefined ? {} : { cursor };
		const page = await this.#list({ prefix: SESSIONS_PREFIX, limit, ...from });
		const found = await Promise.all(page.keys.map(({ name }) => this.#read(name)));
		return {
			sessions: found.filter((session) => session !== undefined),
			cursor: page.list_complete ? undefined : page.cursor,
		};
	}

	async #read(key: string): Promise<StoredSessionRecord | undefined> {
		const id = decodeURIComponent(key.slice(SESSIONS_PREFIX.length));
		try {
			const record = await this.#store.read(id);
			return record && { id, record };
		} catch (error) {
			if (error instanceof CorruptRecordError) return undefined;
			throw error;
		}
	}

	#list(options: KVNamespaceListOptions): Promise<KVNamespaceListResult<unknown>> {
		return storeOperation(PACKAGE, 'listing sessions', () => this.#store.kv().list(options));
	}
}
