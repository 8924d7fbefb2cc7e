import { TmcpSessionsError } from '@tmcp-sessions/core';

import { PACKAGE } from './package-name.ts';

/** What an entry is: the first part of its key. Of a resource's subscribers there is a kind each. */
export type EntryKind =
	| 'artifact'
	| 'auth'
	| 'call'
	| 'context'
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

/** What tables of this family begin with: those of `SyncLayer`, which keeps the streams, too. */
const RESERVED = 'tmcp_';

/** Keeps the number of the user's last migration. */
const MIGRATED = 'migrated';

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
		if (this.#isOpen) return sql;
		this.#storage.transactionSync(() => {
			sql.exec(
				// BLOB leaves a text as it is; ANY would make a number of one that looks like it.
				`CREATE TABLE IF NOT EXISTS tmcp_entries (
					kind TEXT, key TEXT, value BLOB NOT NULL, at_ms INTEGER, PRIMARY KEY (kind, key)
				) WITHOUT ROWID`,
			);
			this.#migrate(sql);
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
		this.sql.exec(
			'INSERT OR REPLACE INTO tmcp_entries (kind, key, value, at_ms) VALUES (?, ?, ?, ?)',
			...[kind, key, value, atMs],
		);
	}

	/** @returns whether it was there. */
	remove(kind: EntryKind, key: string): boolean {
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

	#migrate(sql: SqlStorage): void {
		const migrations = this.#migrations();
		const [row] = sql
			.exec<{
				value: string;
			}>("SELECT value FROM tmcp_entries WHERE kind = 'meta' AND key = ?", MIGRATED)
			.toArray();
		const done = Number(row?.value ?? 0);
		if (done === migrations.length) return;
		if (done > migrations.length) {
			throw new TmcpSessionsError(
				'session-state',
				PACKAGE,
				`the tables of this session have been brought to version ${done}, and this deployment knows ` +
					`${migrations.length} migrations; deploy a release that has them all. A migration that was ` +
					'released is never removed: undo it with another one behind it',
			);
		}
		const before = reservedTables(sql);
		for (const [index, migration] of migrations.slice(done).entries()) {
			try {
				sql.exec(migration);
			} catch (cause) {
				throw new TmcpSessionsError(
					'session-state',
					PACKAGE,
					`migration ${done + index + 1} of ${migrations.length} failed, and nothing of it was kept: ` +
						(cause instanceof Error ? cause.message : String(cause)),
					{ cause },
				);
			}
		}
		const changed = changedNames(before, reservedTables(sql));
		if (changed.length > 0) {
			throw new TmcpSessionsError(
				'session-state',
				PACKAGE,
				`a migration makes, changes or drops ${changed.join(' and ')}, and nothing of it was kept: names ` +
					`that begin with ${RESERVED} are those of this package; give yours another one`,
			);
		}
		sql.exec(
			"INSERT OR REPLACE INTO tmcp_entries (kind, key, value) VALUES ('meta', ?, ?)",
			...[MIGRATED, String(migrations.length)],
		);
	}
}

function isText(row: EntryRow): row is EntryRow & { value: string } {
	return typeof row.value === 'string';
}

/** What there is under names that are reserved, each with the SQL that made it. */
function reservedTables(sql: SqlStorage): Map<string, string> {
	const rows = sql.exec<{ name: string; made: string | null }>(
		'SELECT name, sql AS made FROM sqlite_master WHERE substr(lower(name), 1, ?) = ?',
		...[RESERVED.length, RESERVED],
	);
	return new Map(rows.toArray().map(({ name, made }) => [name, made ?? '']));
}

function changedNames(
	before: ReadonlyMap<string, string>,
	after: ReadonlyMap<string, string>,
): string[] {
	const names = new Set([...before.keys(), ...after.keys()]);
	return [...names].filter((name) => before.get(name) !== after.get(name));
}
