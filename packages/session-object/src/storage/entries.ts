import { SessionStateError } from '../errors.ts';
import { migrate } from './migrations.ts';

/** The first part of an entry's key. Each resource has its own kind, for its subscribers. */
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
	| 'state'
	| `uri:${string}`;

/** A row of the object's table. */
export interface Entry<Value extends ArrayBuffer | string = string> {
	readonly key: string;
	readonly value: Value;
	/** When the alarm has to handle the entry, in milliseconds since the epoch; null if never. */
	readonly dueMs: number | null;
}

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
 * Stores all data of an object except its streams in one table: each SQLite table takes at least one
 * page of 4 KiB, and most sessions store little.
 *
 * The first write creates the table, so that a request for an unknown session leaves no storage behind.
 */
export class Entries {
	readonly #storage: DurableObjectStorage;
	readonly #migrations: () => readonly string[];
	readonly #onOpened: () => void;
	readonly #rollbackListeners: (() => void)[] = [];
	#isOpen = false;
	#hasTable: boolean | undefined;
	/** The writers whose writes are rejected. */
	#closedFor: 'all' | 'session' | undefined;

	/**
	 * @param migrations the SQL of the user's own tables; each statement runs once, in order.
	 * @param onOpened called after the table was created and the user's tables were migrated.
	 */
	constructor(
		storage: DurableObjectStorage,
		migrations: () => readonly string[],
		onOpened: () => void,
	) {
		this.#storage = storage;
		this.#migrations = migrations;
		this.#onOpened = onOpened;
	}

	/** Whether the object stores anything: the first write creates the table. */
	get hasTable(): boolean {
		if (this.#closedFor === 'all') return false;
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
		const isNew = !this.hasTable;
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
	 * Creates the table and migrates the user's tables, unless this instance has done so.
	 *
	 * @throws as `sql` does.
	 */
	open(): SqlStorage {
		return this.sql;
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
		const [row] = this.#rows('WHERE kind = ? AND key = ?', kind, key);
		return row;
	}

	/** Returns all text entries of a kind, ordered by key. */
	list(kind: EntryKind): Entry[] {
		return this.#rows('WHERE kind = ? ORDER BY key', kind).filter(isText);
	}

	/** Returns the text entries of a kind that are due, the longest overdue first. */
	due(kind: EntryKind, nowMs: number): Entry[] {
		return this.#rows('WHERE kind = ? AND at_ms <= ? ORDER BY at_ms', kind, nowMs).filter(isText);
	}

	write(
		kind: EntryKind,
		key: string,
		value: ArrayBuffer | string,
		dueMs: number | null = null,
	): void {
		if (WRITTEN_BY_SESSION.has(kind)) this.checkOpen();
		this.sql.exec(
			'INSERT OR REPLACE INTO tmcp_entries (kind, key, value, at_ms) VALUES (?, ?, ?, ?)',
			kind,
			key,
			value,
			dueMs,
		);
	}

	/** @returns whether the entry existed. */
	remove(kind: EntryKind, key: string): boolean {
		if (WRITTEN_BY_SESSION.has(kind)) this.checkOpen();
		if (!this.hasTable) return false;
		const { rowsWritten } = this.sql.exec(
			'DELETE FROM tmcp_entries WHERE kind = ? AND key = ?',
			kind,
			key,
		);
		return rowsWritten > 0;
	}

	/** Returns which resources the sessions are subscribed to. */
	resourceSubscriptions(): { readonly uri: string; readonly session: string }[] {
		if (!this.hasTable) return [];
		return this.sql
			.exec<{ kind: string; key: string }>(
				"SELECT kind, key FROM tmcp_entries WHERE kind >= 'uri:' AND kind < 'uri;'",
			)
			.toArray()
			.map(({ kind, key }) => ({ uri: kind.slice('uri:'.length), session: key }));
	}

	/** Removes a session from the subscribers of every resource. */
	removeSubscriber(session: string): void {
		if (!this.hasTable) return;
		this.sql.exec(
			"DELETE FROM tmcp_entries WHERE kind >= 'uri:' AND kind < 'uri;' AND key = ?",
			session,
		);
	}

	/** Returns the number of entries of a kind and the total length of their texts. */
	size(kind: EntryKind): { readonly count: number; readonly length: number } {
		if (!this.hasTable) return { count: 0, length: 0 };
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
		if (!this.hasTable) return undefined;
		const { dueMs } = this.sql
			.exec<{ dueMs: number | null }>('SELECT min(at_ms) AS dueMs FROM tmcp_entries')
			.one();
		return dueMs ?? undefined;
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
	}

	#rows(condition: string, ...bindings: (number | string)[]): EntryRow[] {
		if (!this.hasTable) return [];
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
