import { NewerStorageError } from '@tmcp-sessions/core/internal';
import type { LogBounds, LogSize } from '@tmcp-sessions/core/internal';

import { PACKAGE } from '../package-name.ts';

/**
 * The version of the tables. A release that changes them increments it and stores it in `tmcp_meta`
 * under `SCHEMA_KEY`. Version 1 is not stored: that would cost each new object a row.
 */
const SCHEMA_VERSION = 1;
const SCHEMA_KEY = 'schema_version';

/**
 * Creates the tables and returns the database. There are no indexes besides the keys and no
 * AUTOINCREMENT, so that a statement writes only the rows that it changes.
 *
 * @throws the platform's error if the class has no SQLite, which Workers turn into a `BindingError`.
 * @throws {NewerStorageError} if a later release has changed the tables.
 */
export function openStorage(storage: DurableObjectStorage): SqlStorage {
	const { sql } = storage;
	// The statement of a table names its columns.
	const [calls] = sql.exec<{ statement: string }>(
		"SELECT sql AS statement FROM sqlite_master WHERE type = 'table' AND name = 'tmcp_calls'",
	);
	if (!calls) {
		sql.exec(TABLES);
		return sql;
	}
	checkVersion(sql);
	// Objects of before the first release have no column for the client.
	if (!/\bclient\b/.test(calls.statement)) sql.exec(CLIENTS);
	return sql;
}

const TABLES = `
	CREATE TABLE tmcp_meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
	CREATE TABLE tmcp_shards (label TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
	CREATE TABLE tmcp_log (
		sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, sessions TEXT, frame TEXT,
		bytes INTEGER NOT NULL, end_bytes INTEGER NOT NULL
	);
	CREATE TABLE tmcp_histories (
		session TEXT PRIMARY KEY, history TEXT NOT NULL, idle_ms INTEGER, client TEXT
	) WITHOUT ROWID;
	CREATE TABLE tmcp_calls (
		stream TEXT, first INTEGER, at_ms INTEGER NOT NULL, session TEXT NOT NULL,
		frames TEXT NOT NULL, is_complete INTEGER NOT NULL, client TEXT, PRIMARY KEY (stream, first)
	) WITHOUT ROWID;`;

const CLIENTS = `
	ALTER TABLE tmcp_histories ADD COLUMN client TEXT;
	ALTER TABLE tmcp_calls ADD COLUMN client TEXT;`;

function checkVersion(sql: SqlStorage): void {
	const [row] = sql
		.exec<{ value: number }>('SELECT value FROM tmcp_meta WHERE key = ?', SCHEMA_KEY)
		.toArray();
	if (!row || row.value <= SCHEMA_VERSION) return;
	throw new NewerStorageError(
		PACKAGE,
		`the streams of this object have schema version ${row.value}; this release supports ` +
			`${SCHEMA_VERSION}. Deploy a later release`,
	);
}

/** Returns the length of a text in UTF-8, as SQLite stores it. */
export function utf8Length(text: string): number {
	return new TextEncoder().encode(text).byteLength;
}

/**
 * Deletes the times of one kind, with keys such as `ended:…`, that are before a time.
 *
 * @returns whether others remain.
 */
export function pruneTimes(sql: SqlStorage, kind: 'absent' | 'ended', beforeMs: number): boolean {
	// `;` follows `:` in ASCII.
	const range = [`${kind}:`, `${kind};`];
	sql.exec('DELETE FROM tmcp_meta WHERE key >= ? AND key < ? AND value < ?', ...range, beforeMs);
	const left = sql.exec('SELECT 1 FROM tmcp_meta WHERE key >= ? AND key < ? LIMIT 1', ...range);
	return left.toArray().length > 0;
}

/** Returns whether a log exceeds its bounds. */
export function exceeds({ messages, bytes }: LogSize, bounds: LogBounds): boolean {
	return messages > bounds.messages || bytes > bounds.bytes;
}
