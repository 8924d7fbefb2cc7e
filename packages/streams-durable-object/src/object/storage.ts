import { StreamError } from '@tmcp-sessions/core';
import type { LogBounds } from '@tmcp-sessions/core/internal';

import { PACKAGE } from '../package-name.ts';

/**
 * The storage of a `SyncLayer`, with its tables. Each statement here costs what it changes and no
 * more: there is no index but the keys, and no counter of SQLite's own.
 *
 * @throws {StreamError} where the class has no SQLite.
 */
export function openStorage(storage: DurableObjectStorage): SqlStorage {
	const sql = sqlOf(storage);
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

/** The longest text of a row, in bytes; a row holds 2 MB. */
export const MAX_ROW_BYTES = 1_900_000;

/** The length of a text as SQLite stores it. */
export function utf8Length(text: string): number {
	return new TextEncoder().encode(text).byteLength;
}

/** How much a log holds. */
export type LogSize = {
	messages: number;
	bytes: number;
};

/** Bounds are passed by this much before anything is pruned: a part of the log, and not a row each time. */
export const MARGIN = 1.25;

/** Whether a log holds more than its bounds. */
export function isOver({ messages, bytes }: LogSize, bounds: LogBounds, margin = 1): boolean {
	return messages > bounds.messages * margin || bytes > bounds.bytes * margin;
}

function sqlOf(storage: DurableObjectStorage): SqlStorage {
	try {
		storage.sql.exec('SELECT 1');
		return storage.sql;
	} catch (cause) {
		throw new StreamError(
			PACKAGE,
			'opening the log',
			new Error(
				'SyncLayer must be a class with SQLite: list it in new_sqlite_classes of a migration in ' +
					'wrangler.jsonc, and not in new_classes. A class that is there already has to be ' +
					'deleted and made again, under another name; docs/migration.md shows how',
				{ cause },
			),
		);
	}
}
