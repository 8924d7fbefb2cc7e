import { TmcpSessionsError } from '@tmcp-sessions/core';

import { PACKAGE } from '../package-name.ts';

/** What tables of this family begin with: those of `SyncLayer`, which keeps the streams, too. */
const RESERVED = 'tmcp_';

/** Keeps the number of the user's last migration. */
const MIGRATED = 'migrated';

/**
 * Brings a user's tables forward, in the transaction of whoever calls it.
 *
 * @throws {TmcpSessionsError} `session-state`, where a migration fails, changes what is not the user's,
 * or a later release has written the storage.
 */
export function migrate(sql: SqlStorage, migrations: readonly string[]): void {
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
