import { TmcpSessionsError } from '@tmcp-sessions/core';
import { NewerStorageError } from '@tmcp-sessions/core/internal';

import { PACKAGE } from '../package-name.ts';

/** The prefix of this family's tables, including those in which `StreamHub` stores the streams. */
const RESERVED = 'tmcp_';

/**
 * The version of this package's own tables. A release that changes them increments it and stores it
 * under `SCHEMA`. Version 1 is not stored: that would cost each session a row.
 */
const SCHEMA_VERSION = 1;
const SCHEMA = 'schema';

/** The key of the entry that stores how many of the user's migrations have run. */
const MIGRATED = 'migrated';

/**
 * Runs the pending migrations of the user's tables, in the caller's transaction.
 *
 * @param isNew whether nothing is stored yet, so that nothing has to be read.
 * @throws {TmcpSessionsError} `session-state`, if a migration fails or changes a reserved table.
 * @throws {NewerStorageError} if a later deployment has written the storage.
 */
export function migrate(sql: SqlStorage, migrations: readonly string[], isNew: boolean): void {
	if (isNew && migrations.length === 0) return;
	const version = storedNumber(sql, SCHEMA) ?? SCHEMA_VERSION;
	if (version > SCHEMA_VERSION) {
		throw new NewerStorageError(
			PACKAGE,
			`the tables of this session have schema version ${version}; this release supports ` +
				`${SCHEMA_VERSION}. Deploy a later release`,
		);
	}
	const done = storedNumber(sql, MIGRATED) ?? 0;
	if (done === migrations.length) return;
	if (done > migrations.length) {
		throw new NewerStorageError(
			PACKAGE,
			`${done} migrations have run on the tables of this session and this deployment has ` +
				`${migrations.length}; deploy a release that has them all. Never remove a released ` +
				'migration: add another one that reverts it',
		);
	}
	const before = reservedTables(sql);
	for (const [index, migration] of migrations.slice(done).entries()) {
		try {
			sql.exec(migration);
		} catch (cause) {
			const number = `${done + index + 1} of ${migrations.length}`;
			const reason = cause instanceof Error ? cause.message : String(cause);
			throw stateError(`migration ${number} failed and was rolled back: ${reason}`, { cause });
		}
	}
	const changed = changedNames(before, reservedTables(sql));
	if (changed.length > 0) {
		throw stateError(
			`a migration creates, changes or drops ${changed.join(' and ')} and was rolled back: names that ` +
				`begin with ${RESERVED} are reserved for this package; choose another name`,
		);
	}
	sql.exec(
		"INSERT OR REPLACE INTO tmcp_entries (kind, key, value) VALUES ('meta', ?, ?)",
		MIGRATED,
		String(migrations.length),
	);
}

function storedNumber(sql: SqlStorage, key: string): number | undefined {
	const [row] = sql
		.exec<{ value: string }>("SELECT value FROM tmcp_entries WHERE kind = 'meta' AND key = ?", key)
		.toArray();
	return row && Number(row.value);
}

function stateError(message: string, options?: ErrorOptions): TmcpSessionsError {
	return new TmcpSessionsError('session-state', PACKAGE, message, options);
}

/** Returns the names in the schema that are reserved, each with the SQL that created it. */
function reservedTables(sql: SqlStorage): Map<string, string> {
	const rows = sql.exec<{ name: string; definition: string | null }>(
		'SELECT name, sql AS definition FROM sqlite_master WHERE substr(lower(name), 1, ?) = ?',
		RESERVED.length,
		RESERVED,
	);
	return new Map(rows.toArray().map(({ name, definition }) => [name, definition ?? '']));
}

function changedNames(
	before: ReadonlyMap<string, string>,
	after: ReadonlyMap<string, string>,
): string[] {
	const names = new Set([...before.keys(), ...after.keys()]);
	return [...names].filter((name) => before.get(name) !== after.get(name));
}
