/**
 * What takes the storage of an object from one version to the next: the first makes version 1. A
 * migration that was released is never changed; a new one is added behind it.
 *
 * Without row ids, so that a row costs one write and one more for each of its indexes.
 */
export const MIGRATIONS: readonly string[] = [
	`
	-- id: URI encoded. text: the record as JSON or the marker of an ended session; null where the
	-- session has subscriptions here and its record elsewhere. subscribed_shards: a JSON array of the
	-- shards that keep its subscriptions. forget_at_ms: when the row may be removed.
	CREATE TABLE sessions (
		id TEXT NOT NULL PRIMARY KEY,
		text TEXT,
		subscribed_shards TEXT NOT NULL DEFAULT '[]',
		forget_at_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX sessions_by_end ON sessions (forget_at_ms);

	-- Of the uris that hash to this shard, not of its sessions.
	CREATE TABLE subscribers (
		uri_hash TEXT NOT NULL,
		id TEXT NOT NULL,
		until_ms INTEGER NOT NULL,
		PRIMARY KEY (uri_hash, id)
	) WITHOUT ROWID;
	CREATE INDEX subscribers_by_session ON subscribers (id);
	CREATE INDEX subscribers_by_end ON subscribers (until_ms);
	`,
	`
	-- Ids that are good for one use and were used. claimant: who did, so that it may ask twice.
	CREATE TABLE claims (
		id TEXT NOT NULL PRIMARY KEY,
		claimant TEXT NOT NULL,
		until_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX claims_by_end ON claims (until_ms);
	`,
];

/** The version of the schema in this storage; 0 where there is none. workerd allows no `PRAGMA user_version`. */
export function schemaVersion(sql: SqlStorage): number {
	const table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
	if (sql.exec(table).toArray().length === 0) return 0;
	return sql.exec<{ version: number }>('SELECT version FROM schema_version').one().version;
}

/**
 * Brings the storage to the version of the last migration, all or nothing.
 *
 * @throws where a later release has written the storage: going on would lose what it knows.
 */
export function migrate(
	storage: DurableObjectStorage,
	migrations: readonly string[] = MIGRATIONS,
): void {
	storage.transactionSync(() => {
		const version = schemaVersion(storage.sql);
		if (version === migrations.length) return;
		if (version > migrations.length) {
			throw new Error(
				`the object's storage has schema version ${version}, where this release of ` +
					`@tmcp-sessions/info-durable-object knows ${migrations.length}; deploy a later release`,
			);
		}
		if (version === 0) {
			storage.sql.exec('CREATE TABLE schema_version (version INTEGER NOT NULL)');
			storage.sql.exec('INSERT INTO schema_version VALUES (0)');
		}
		for (const migration of migrations.slice(version)) storage.sql.exec(migration);
		storage.sql.exec('UPDATE schema_version SET version = ?', migrations.length);
	});
}
