import { NewerStorageError } from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';

import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';

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
 * @throws {StreamError} if the class has no SQLite.
 * @throws {NewerStorageError} if a later release has changed the tables.
 */
export function openStorage(storage: DurableObjectStorage): SqlStorage {
	const sql = sqlOf(storage);
	checkVersion(sql);
	sql.exec(
		`CREATE TABLE IF NOT EXISTS tmcp_meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
		CREATE TABLE IF NOT EXISTS tmcp_shards (label TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
		CREATE TABLE IF NOT EXISTS tmcp_log (
			sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, sessions TEXT, frame TEXT,
			bytes INTEGER NOT NULL, end_bytes INTEGER NOT NULL
		);
		CREATE TABLE IF NOT EXISTS tmcp_histories (
			session TEXT PRIMARY KEY, history TEXT NOT NULL, idle_ms INTEGER
		) WITHOUT ROWID;
		CREATE TABLE IF NOT EXISTS tmcp_calls (
			stream TEXT, first INTEGER, at_ms INTEGER NOT NULL, session TEXT NOT NULL,
			frames TEXT NOT NULL, is_complete INTEGER NOT NULL, PRIMARY KEY (stream, first)
		) WITHOUT ROWID;`,
	);
	return sql;
}

function checkVersion(sql: SqlStorage): void {
	const hasTables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tmcp_meta'";
	if (sql.exec(hasTables).toArray().length === 0) return;
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

/** The size of a log. A type alias: the type parameter of `exec` accepts no interface. */
export type LogSize = {
	messages: number;
	bytes: number;
};

/** How far a log may exceed its bounds before it is pruned: many rows at a time, not one per message. */
export const PRUNE_MARGIN = 1.25;

/** Returns whether a log exceeds its bounds. */
export function exceeds({ messages, bytes }: LogSize, bounds: LogBounds, margin = 1): boolean {
	return messages > bounds.messages * margin || bytes > bounds.bytes * margin;
}

function sqlOf(storage: DurableObjectStorage): SqlStorage {
	try {
		storage.sql.exec('SELECT 1');
		return storage.sql;
	} catch (cause) {
		throw createStreamError(
			'opening the log',
			new Error(
				'SyncLayer must be a class with SQLite: list it in new_sqlite_classes of a migration, not in ' +
					'new_classes. docs/migration.md shows how to convert an existing class',
				{ cause },
			),
		);
	}
}
