import { SessionStateError } from '../errors.ts';
import type { Entry, EntryKind } from './entry.ts';
import { Head } from './head.ts';
import type { HeadEntry } from './head.ts';
import { migrate } from './migrations.ts';

type EntryRow = { key: string; value: ArrayBuffer | string; dueMs: number | null };

/** The kinds that the session's own code writes. */
const WRITTEN_BY_SESSION: ReadonlySet<EntryKind> = new Set([
	'artifact',
	'auth',
	'context',
	'schedule',
	'state',
]);
const ENDED =
	'the session has ended and stores nothing more; store the results of background work elsewhere if ' +
	'the work can outlive its session';

/**
 * Stores all data of an object except its streams: what every session has in the head, and the rest in
 * one table, since each SQLite table takes at least one page of 4 KiB. The first write that needs the
 * table creates it. An object whose table was there first has everything in it, such as one with tables
 * of the user, or one that was restored from its archive.
 *
 * A request for an unknown session leaves no storage behind.
 */
export class Entries {
	readonly #storage: DurableObjectStorage;
	readonly #head: Head;
	readonly #migrations: () => readonly string[];
	readonly #onOpened: () => void;
	readonly #rollbackListeners: (() => void)[] = [];
	/** Whether the table exists and the user's tables are migrated. */
	#isOpen = false;
	/** Whether the first write is under way, which stores the head once. */
	#isBeginning = false;
	#hasTable: boolean | undefined;
	/** The writers whose writes are rejected. */
	#closedFor: 'all' | 'session' | undefined;

	/**
	 * @param migrations the SQL of the user's own tables; each statement runs once, in order.
	 * @param onOpened called by the first write, and after the table was created.
	 */
	constructor(
		storage: DurableObjectStorage,
		migrations: () => readonly string[],
		onOpened: () => void,
	) {
		this.#storage = storage;
		this.#head = new Head(storage);
		this.#migrations = migrations;
		this.#onOpened = onOpened;
	}

	/** Whether the object stores anything. */
	get hasData(): boolean {
		if (this.#closedFor === 'all') return false;
		// SQL first: its error names the fix for a class without SQLite.
		return this.#tableExists || this.#head.size > 0;
	}

	get #tableExists(): boolean {
		this.#hasTable ??=
			this.#storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'tmcp_entries'").toArray()
				.length > 0;
		return this.#hasTable;
	}

	/**
	 * The object's SQLite database. The first access creates the table and migrates the user's tables.
	 *
	 * @throws {TmcpSessionsError} `session-state`, if a later release has written the storage.
	 */
	get sql(): SqlStorage {
		const { sql } = this.#storage;
		if (this.#closedFor === 'all') throw new SessionStateError(ENDED);
		if (this.#isOpen) return sql;
		const isNew = !this.#tableExists;
		this.#storage.transactionSync(() => {
			sql.exec(
				// BLOB affinity stores text as text; a column of type ANY would turn numeric text into numbers.
				`CREATE TABLE IF NOT EXISTS tmcp_entries (
					kind TEXT, key TEXT, value BLOB NOT NULL, at_ms INTEGER, PRIMARY KEY (kind, key)
				) WITHOUT ROWID`,
			);
			migrate(sql, this.#migrations(), isNew);
		});
		this.#isOpen = true;
		this.#hasTable = true;
		this.#onOpened();
		return sql;
	}

	/**
	 * Migrates the user's tables, unless this instance has done so.
	 *
	 * @throws as `sql` does.
	 */
	open(): void {
		if (this.#tableExists || this.#migrations().length > 0) void this.sql;
	}

	/** Moves the entries of the head to the table, which the archive contains. */
	moveToTable(): void {
		const entries = this.#head.list();
		if (entries.length === 0) return;
		this.#storage.transactionSync(() => {
			for (const entry of entries) this.#insert(entry);
			this.#head.clear();
		});
	}

	/**
	 * Rejects further writes. `session` rejects writes of the session's own code, which would miss the
	 * archive. `all` rejects every write: a call that still runs would fill the deleted object again.
	 */
	close(writers: 'all' | 'session'): void {
		this.#closedFor = writers;
	}

	/** @throws {SessionStateError} if the session has ended. */
	checkOpen(): void {
		if (this.#closedFor !== undefined) throw new SessionStateError(ENDED);
	}

	/** Returns the text of an entry, or undefined if there is none. */
	read(kind: EntryKind, key: string): string | undefined {
		const value = this.find(kind, key)?.value;
		return typeof value === 'string' ? value : undefined;
	}

	find(kind: EntryKind, key: string): Entry<ArrayBuffer | string> | undefined {
		if (this.#closedFor === 'all') return undefined;
		const inHead = this.#head.find(kind, key);
		if (inHead) return inHead;
		const [row] = this.#rows('WHERE kind = ? AND key = ?', kind, key);
		return row;
	}

	/** Returns all text entries of a kind, ordered by key. */
	list(kind: EntryKind): Entry[] {
		const inTable = this.#rows('WHERE kind = ? ORDER BY key', kind).filter(isText);
		const inHead = this.#inHead(kind);
		if (inHead.length === 0) return inTable;
		const all: Entry[] = [...inHead, ...inTable];
		return all.toSorted((one, other) => (one.key < other.key ? -1 : 1));
	}

	/** Returns the text entries of a kind that are due, the longest overdue first. */
	due(kind: EntryKind, nowMs: number): Entry[] {
		const inTable = this.#rows('WHERE kind = ? AND at_ms <= ?', kind, nowMs).filter(isText);
		const inHead = this.#inHead(kind).filter(({ dueMs }) => dueMs !== null && dueMs <= nowMs);
		const all: Entry[] = [...inHead, ...inTable];
		return all.toSorted((one, other) => Number(one.dueMs) - Number(other.dueMs));
	}

	write(
		kind: EntryKind,
		key: string,
		value: ArrayBuffer | string,
		dueMs: number | null = null,
	): void {
		if (WRITTEN_BY_SESSION.has(kind)) this.checkOpen();
		if (typeof value === 'string' && this.#belongsInHead(kind, key)) {
			this.#writeHead({ kind, key, value, dueMs });
		} else this.#insert({ kind, key, value, dueMs });
	}

	/** @returns whether the entry existed. */
	remove(kind: EntryKind, key: string): boolean {
		if (WRITTEN_BY_SESSION.has(kind)) this.checkOpen();
		if (!this.hasData) return false;
		if (this.#head.remove(kind, key)) return true;
		if (!this.#tableExists) return false;
		const { rowsWritten } = this.sql.exec(
			'DELETE FROM tmcp_entries WHERE kind = ? AND key = ?',
			kind,
			key,
		);
		return rowsWritten > 0;
	}

	/** Returns which resources the sessions are subscribed to. */
	resourceSubscriptions(): { readonly uri: string; readonly session: string }[] {
		if (!this.#hasRows) return [];
		return this.sql
			.exec<{ kind: string; key: string }>(
				"SELECT kind, key FROM tmcp_entries WHERE kind >= 'uri:' AND kind < 'uri;'",
			)
			.toArray()
			.map(({ kind, key }) => ({ uri: kind.slice('uri:'.length), session: key }));
	}

	/** Removes a session from the subscribers of every resource. */
	removeSubscriber(session: string): void {
		if (!this.#hasRows) return;
		this.sql.exec(
			"DELETE FROM tmcp_entries WHERE kind >= 'uri:' AND kind < 'uri;' AND key = ?",
			session,
		);
	}

	/** Returns the number of entries of a kind and the total length of their texts. */
	size(kind: EntryKind): { readonly count: number; readonly length: number } {
		if (!this.#hasRows) return { count: 0, length: 0 };
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

	/** Returns when the next entry is due, or undefined if none is. */
	earliest(): number | undefined {
		if (!this.hasData) return undefined;
		const times = this.#head.list().map(({ dueMs }) => dueMs ?? Infinity);
		if (this.#tableExists) {
			const { dueMs } = this.sql
				.exec<{ dueMs: number | null }>('SELECT min(at_ms) AS dueMs FROM tmcp_entries')
				.one();
			times.push(dueMs ?? Infinity);
		}
		const earliest = Math.min(...times);
		return earliest === Infinity ? undefined : earliest;
	}

	/** Runs `write` in a transaction. If it throws, the state cached here and in the alarm is dropped too. */
	atomically<Result>(write: () => Result): Result {
		this.checkOpen();
		try {
			return this.#storage.transactionSync(write);
		} catch (error) {
			// The rollback removes the table too if this transaction created it.
			this.invalidate();
			for (const listener of this.#rollbackListeners) listener();
			throw error;
		}
	}

	/** @param listener called after writes were rolled back, together with the alarm set for them. */
	onRollback(listener: () => void): void {
		this.#rollbackListeners.push(listener);
	}

	/** Drops the cached state after the storage was deleted or replaced. The next write creates the table. */
	invalidate(): void {
		this.#isOpen = false;
		this.#hasTable = undefined;
		this.#head.invalidate();
	}

	/** Whether there may be rows in the table. */
	get #hasRows(): boolean {
		return this.#closedFor !== 'all' && this.#tableExists;
	}

	#inHead(kind: EntryKind): HeadEntry[] {
		if (this.#closedFor === 'all') return [];
		return this.#head.list().filter((entry) => entry.kind === kind);
	}

	/** Whether an entry is stored in the head. An entry never moves, so that it is stored once. */
	#belongsInHead(kind: EntryKind, key: string): boolean {
		if (kind !== 'meta' && kind !== 'session') return false;
		if (this.#head.find(kind, key)) return true;
		if (this.#tableExists || this.#migrations().length > 0) return false;
		// An identity may have many sessions, which would all be stored again with each.
		return kind === 'meta' || this.#inHead('session').length === 0;
	}

	/** @throws {SessionStateError} if the object was deleted. */
	#writeHead(entry: HeadEntry): void {
		if (this.#closedFor === 'all') throw new SessionStateError(ENDED);
		const isFirst = this.#head.size === 0;
		this.#head.set(entry);
		if (this.#isBeginning) return;
		if (isFirst) {
			this.#isBeginning = true;
			try {
				this.#onOpened();
			} finally {
				this.#isBeginning = false;
			}
		}
		this.#head.store();
	}

	#insert({ kind, key, value, dueMs }: Omit<HeadEntry, 'value'> & EntryRow): void {
		this.sql.exec(
			'INSERT OR REPLACE INTO tmcp_entries (kind, key, value, at_ms) VALUES (?, ?, ?, ?)',
			kind,
			key,
			value,
			dueMs,
		);
	}

	#rows(condition: string, ...bindings: (number | string)[]): EntryRow[] {
		if (!this.#hasRows) return [];
		return this.sql
			.exec<EntryRow>(
				`SELECT key, value, at_ms AS dueMs FROM tmcp_entries ${condition}`,
				...bindings,
			)
			.toArray();
	}
}

function isText(row: EntryRow): row is EntryRow & { value: string } {
	return typeof row.value === 'string';
}
