/**
 * The migrations of an object's storage; the first one creates version 1. Never change a released
 * migration; append a new one.
 *
 * Tables are WITHOUT ROWID: a row costs one write, and one more for each index.
 */
export const MIGRATIONS: readonly string[] = [
	`
	-- id: URI encoded. text: the record as JSON or the tombstone of an ended session; null if the
	-- session has subscriptions here and its record elsewhere. subscribed_shards: a JSON array of the
	-- objects that store its subscriptions. forget_at_ms: when the row may be removed.
	CREATE TABLE sessions (
		id TEXT NOT NULL PRIMARY KEY,
		text TEXT,
		subscribed_shards TEXT NOT NULL DEFAULT '[]',
		forget_at_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX sessions_by_end ON sessions (forget_at_ms);

	-- Subscribers of the uris that hash to this object, not of its sessions.
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
	-- Ids that were claimed for their single use. claimant: who claimed it, so that a retry succeeds.
	CREATE TABLE claims (
		id TEXT NOT NULL PRIMARY KEY,
		claimant TEXT NOT NULL,
		until_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX claims_by_end ON claims (until_ms);
	`,
	`
	-- The sessions of the owners that hash to this object. owner: the hash of a principal.
	CREATE TABLE owners (
		owner TEXT NOT NULL,
		id TEXT NOT NULL,
		until_ms INTEGER NOT NULL,
		PRIMARY KEY (owner, id)
	) WITHOUT ROWID;
	CREATE INDEX owners_by_end ON owners (until_ms);

	-- The shards besides the root shard that have sessions. Only the first object of the root shard.
	CREATE TABLE shards (
		label TEXT NOT NULL PRIMARY KEY,
		until_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	`,
	`
	-- The state of the tools, of a session or of a handle. text: JSON, null once it has ended.
	CREATE TABLE states (
		id TEXT NOT NULL PRIMARY KEY,
		text TEXT,
		version TEXT NOT NULL,
		until_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX states_by_end ON states (until_ms);
	`,
];

/** Returns the schema version of the storage, 0 without tables. workerd forbids `PRAGMA user_version`. */
export function schemaVersion(sql: SqlStorage): number {
	const table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
	if (sql.exec(table).toArray().length === 0) return 0;
	return sql.exec<{ version: number }>('SELECT version FROM schema_version').one().version;
}

/**
 * Migrates the storage to the latest version, in one transaction.
 *
 * @throws if a later release has written the storage, because this release would lose its data.
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
				`the storage has schema version ${version}; this release of ` +
					`@tmcp-sessions/info-durable-object supports ${migrations.length}. Deploy a later release`,
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
