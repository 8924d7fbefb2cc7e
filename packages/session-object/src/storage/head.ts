import { NewerStorageError } from '@tmcp-sessions/core/internal';

import { PACKAGE } from '../package-name.ts';
import type { Entry, EntryKind } from './entry.ts';

/** An entry with its kind. */
export interface HeadEntry extends Entry {
	readonly kind: EntryKind;
}

/** The key of the value. */
const KEY = 'tmcp_head';
/** A release that changes the format increments it. */
const VERSION = 1;

interface StoredHead {
	readonly version: number;
	readonly entries: readonly HeadEntry[];
}

/**
 * Stores the few entries that every object has as one value by key. Most sessions need nothing else: a
 * table costs two row writes and a page of 4 KiB, and each entry in it one row write.
 */
export class Head {
	readonly #storage: Pick<DurableObjectStorage, 'kv'>;
	#entries: Map<string, HeadEntry> | undefined;

	constructor(storage: Pick<DurableObjectStorage, 'kv'>) {
		this.#storage = storage;
	}

	get size(): number {
		return this.#load().size;
	}

	find(kind: EntryKind, key: string): HeadEntry | undefined {
		return this.#load().get(nameOf(kind, key));
	}

	list(): HeadEntry[] {
		return [...this.#load().values()];
	}

	/** Sets an entry in memory. Call `store` in the same turn. */
	set(entry: HeadEntry): void {
		this.#load().set(nameOf(entry.kind, entry.key), entry);
	}

	/** @returns whether the entry existed. */
	remove(kind: EntryKind, key: string): boolean {
		if (!this.#load().delete(nameOf(kind, key))) return false;
		this.store();
		return true;
	}

	/** Stores all entries, in one row write. */
	store(): void {
		const entries = this.list();
		if (entries.length === 0) return this.clear();
		const stored: StoredHead = { version: VERSION, entries };
		try {
			this.#storage.kv.put(KEY, JSON.stringify(stored));
		} catch (error) {
			this.invalidate();
			throw error;
		}
	}

	/** Deletes all entries. */
	clear(): void {
		this.#load().clear();
		this.#storage.kv.delete(KEY);
	}

	/** Drops the cached entries after the storage was deleted or replaced. */
	invalidate(): void {
		this.#entries = undefined;
	}

	/** @throws {NewerStorageError} if a later release has written the value. */
	#load(): Map<string, HeadEntry> {
		if (this.#entries) return this.#entries;
		const text = this.#storage.kv.get<string>(KEY);
		// Safe because only this class writes the value.
		const stored = text === undefined ? undefined : (JSON.parse(text) as StoredHead);
		if (stored && stored.version > VERSION) {
			throw new NewerStorageError(
				PACKAGE,
				`this session is stored in version ${stored.version} of its format; this release supports ` +
					`${VERSION}. Deploy a later release`,
			);
		}
		const named = (stored?.entries ?? []).map((entry): [string, HeadEntry] => [
			nameOf(entry.kind, entry.key),
			entry,
		]);
		return (this.#entries = new Map(named));
	}
}

function nameOf(kind: EntryKind, key: string): string {
	return `${kind} ${key}`;
}
