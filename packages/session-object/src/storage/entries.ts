import { SessionStateError } from '../errors.ts';
import { migrate } from './migrations.ts';

/** What an entry is: the first part of its key. Of a resource's subscribers there is a kind each. */
export type EntryKind =
	| 'artifact'
	| 'auth'
	| 'call'
	| 'context'
	| 'leftover'
	| 'meta'
	| 'schedule'
	| 'session'
	| 'sse'
	| `uri:${string}`;

/** One thing that an object keeps. */
export interface Entry<Value extends ArrayBuffer | string = string> {
	readonly key: string;
	readonly value: Value;
	/** When the object has to see to it, milliseconds since the epoch. */
	readonly atMs: number | null;
}

type EntryRow = { key: string; value: ArrayBuffer | string; atMs: number | null };

/** What the session's own code writes. */
const OF_SESSION: ReadonlySet<EntryKind> = new Set(['artifact', 'auth', 'context', 'schedule']);
const ENDED =
	'the session has ended, and nothing more is stored of it; let work that outlives a session write ' +
	'elsewhere';

/**
 * What an object keeps, but for its streams: one table. Each table of SQLite takes a page of 4 KiB at
 * least and there are very many sessions, most of which keep next to nothing.
 *
 * The table is made with the first entry: an object that was asked for a session which never was
 * leaves nothing behind.
 */
export class Entries {
	readonly #storage: DurableObjectStorage;
	readonly #migrations: () => readonly string[];
	readonly #onOpened: () => void;
	readonly #onUndone: () => void;
	#isOpen = false;
	#exists: boolean | undefined;
	/** For whom nothing is written any more. */
	#closedFor: 'all' | 'session' | undefined;

	/**
	 * @param migrations SQL of the user's own tables; each is run once, in order.
	 * @param onOpened told when the table is there and the user's are brought forward.
	 * @param onUndone told when what was written was undone, with the alarm that was set for it.
	 */
	constructor(
		storage: DurableObjectStorage,
		migrations: () => readonly string[],
		onOpened: () => void,
		onUndone: () => void,
	) {
		this.#storage = storage;
		this.#migrations = migrations;
		this.#onOpened = onOpened;
		this.#onUndone = onUndone;
	}

	/** Whether the object keeps anything. */
	get exist(): boolean {
		if (this.#closedFor === 'all') return false;
		this.#exists ??=
			this.#storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'tmcp_entries'").toArray()
				.length > 0;
		return this.#exists;
	}

	/**
	 * The object's SQLite, with the table and the user's own.
	 *
	 * @throws {TmcpSessionsError} `session-state`, where a later release has written the storage.
	 */
	get sql(): SqlStorage {
		const { sql } = this.#storage;
		if (this.#closedFor === 'all') throw new SessionStateError(ENDED);
		if (this.#isOpen) return sql;
		this.#storage.transactionSync(() => {
			sql.exec(
				// BLOB leaves a text as it is; ANY would make a number of one that looks like it.
				`CREATE TABLE IF NOT EXISTS tmcp_entries (
					kind TEXT, key TEXT, value BLOB NOT NULL, at_ms INTEGER, PRIMARY KEY (kind, key)
				) WITHOUT ROWID`,
			);
			migrate(sql, this.#migrations());
		});
		this.#isOpen = true;
		this.#exists = true;
		this.#onOpened();
		return sql;
	}

	/**
	 * Brings the tables forward, where there are any to be.
	 *
	 * @throws as `sql` does.
	 */
	open(): SqlStorage {
		return this.sql;
	}

	/**
	 * Refuses what the session writes, which would come too late for its archive; or everything, since
	 * the object was emptied: what is still at work would fill it again, for nobody.
	 */
	close(forWhom: 'all' | 'session'): void {
		this.#closedFor = forWhom;
	}

	/** @throws {SessionStateError} where the session has ended. */
	checkOpen(): void {
		if (this.#closedFor !== undefined) throw new SessionStateError(ENDED);
	}

	/** The entry's text. */
	read(kind: EntryKind, key: string): string | undefined {
		const value = this.find(kind, key)?.value;
		return typeof value === 'string' ? value : undefined;
	}

	find(kind: EntryKind, key: string): Entry<ArrayBuffer | string> | undefined {
		const [row] = this.#rows('WHERE kind = ? AND key = ?', kind, key);
		return row;
	}

	/** All of a kind, by key. Those that are no texts are left out. */
	list(kind: EntryKind): Entry[] {
		return this.#rows('WHERE kind = ? ORDER BY key', kind).filter(isText);
	}

	/** Those that the object has to see to by now, the longest due first. */
	due(kind: EntryKind, nowMs: number): Entry[] {
		return this.#rows('WHERE kind = ? AND at_ms <= ? ORDER BY at_ms', kind, nowMs).filter(isText);
	}

	write(
		kind: EntryKind,
		key: string,
		value: ArrayBuffer | string,
		atMs: number | null = null,
	): void {
		if (OF_SESSION.has(kind)) this.checkOpen();
		this.sql.exec(
			'INSERT OR REPLACE INTO tmcp_entries (kind, key, value, at_ms) VALUES (?, ?, ?, ?)',
			...[kind, key, value, atMs],
		);
	}

	/** @returns whether it was there. */
	remove(kind: EntryKind, key: string): boolean {
		if (OF_SESSION.has(kind)) this.checkOpen();
		if (!this.exist) return false;
		const { rowsWritten } = this.sql.exec(
			'DELETE FROM tmcp_entries WHERE kind = ? AND key = ?',
			...[kind, key],
		);
		return rowsWritten > 0;
	}

	/** Removes a key of every resource's subscribers. */
	removeSubscriber(key: string): void {
		if (!this.exist) return;
		this.sql.exec(
			"DELETE FROM tmcp_entries WHERE kind >= 'uri:' AND kind < 'uri;' AND key = ?",
			key,
		);
	}

	/** How many there are of a kind, and the length of their texts together. */
	size(kind: EntryKind): { readonly count: number; readonly length: number } {
		if (!this.exist) return { count: 0, length: 0 };
		return this.sql
			.exec<{
				count: number;
				length: number;
			}>(
				'SELECT count(*) AS count, ifnull(sum(length(value)), 0) AS length FROM tmcp_entries WHERE kind = ?',
				kind,
			)
			.one();
	}

	/** When the object has to see to anything next. */
	earliest(): number | undefined {
		if (!this.exist) return undefined;
		const { atMs } = this.sql
			.exec<{ atMs: number | null }>('SELECT min(at_ms) AS atMs FROM tmcp_entries')
			.one();
		return atMs ?? undefined;
	}

	/** All or nothing of what `work` writes; of what this class and the alarm know of it, too. */
	atomically<Result>(work: () => Result): Result {
		this.checkOpen();
		try {
			return this.#storage.transactionSync(work);
		} catch (error) {
			// The table too, where it was made for this.
			this.forget();
			this.#onUndone();
			throw error;
		}
	}

	/** The storage was emptied: what is written next makes it anew. */
	forget(): void {
		this.#isOpen = false;
		this.#exists = undefined;
	}

	#rows(condition: string, ...bindings: (number | string)[]): EntryRow[] {
		if (!this.exist) return [];
		return this.sql
			.exec<EntryRow>(
				`SELECT key, value, at_ms AS atMs FROM tmcp_entries ${condition}`,
				...bindings,
			)
			.toArray();
	}
}

function isText(row: EntryRow): row is EntryRow & { value: string } {
	return typeof row.value === 'string';
}
