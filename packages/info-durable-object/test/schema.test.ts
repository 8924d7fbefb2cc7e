import { openSession } from '@tmcp-sessions/testkit';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import { objectName } from '../src/placement.ts';
import { migrate, MIGRATIONS, schemaVersion } from '../src/schema.ts';
import { namespace, oneObject } from './shards.ts';

const HOUR_MS = 3_600_000;

/** Version 1 as it was released: the tests fail if its migration is changed. */
const VERSION_1 = `
	CREATE TABLE schema_version (version INTEGER NOT NULL);
	INSERT INTO schema_version VALUES (1);
	CREATE TABLE sessions (
		id TEXT NOT NULL PRIMARY KEY,
		text TEXT,
		subscribed_shards TEXT NOT NULL DEFAULT '[]',
		forget_at_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX sessions_by_end ON sessions (forget_at_ms);
	CREATE TABLE subscribers (
		uri_hash TEXT NOT NULL,
		id TEXT NOT NULL,
		until_ms INTEGER NOT NULL,
		PRIMARY KEY (uri_hash, id)
	) WITHOUT ROWID;
	CREATE INDEX subscribers_by_session ON subscribers (id);
	CREATE INDEX subscribers_by_end ON subscribers (until_ms);
`;

/** The additions of version 2, as it was released. */
const VERSION_2 = `
	CREATE TABLE claims (
		id TEXT NOT NULL PRIMARY KEY,
		claimant TEXT NOT NULL,
		until_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX claims_by_end ON claims (until_ms);
	UPDATE schema_version SET version = 2;
`;

/** A migration of a later release. */
const NEXT = 'ALTER TABLE sessions ADD COLUMN principal TEXT';

function newObject(): ReturnType<typeof namespace.getByName> {
	return namespace.getByName(crypto.randomUUID());
}

function structureOf(sql: SqlStorage): unknown[] {
	return sql
		.exec<{ sql: string }>("SELECT sql FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
		.toArray()
		.map((row) => row.sql?.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' '));
}

describe('the schema', () => {
	it.each([
		['1', VERSION_1],
		['2', VERSION_1 + VERSION_2],
	])('is created by the first write, and equals version %s after its migration', async (_, sql) => {
		const [made, byHand] = [newObject(), newObject()];
		await made.create('a', '{}', Date.now() + HOUR_MS);
		const structure = await runInDurableObject(made, (_object, { storage }) => {
			expect(schemaVersion(storage.sql)).toBe(MIGRATIONS.length);
			return structureOf(storage.sql);
		});
		await runInDurableObject(byHand, (_object, { storage }) => {
			storage.sql.exec(sql);
			migrate(storage);
			expect(structureOf(storage.sql)).toEqual(structure);
		});
	});

	it('of version 1 is migrated with its data by the constructor', async () => {
		const { id, uri, record } = openSession();
		const ended = `${id}-ended`;
		const hash = 'Sb8A7bhdL5XyyyIGTGPLZzBAmGfVxW1SHWbHjBBWmPQ';
		const object = namespace.getByName(objectName(0));
		await runInDurableObject(object, (_object, { storage: { sql } }) => {
			sql.exec(VERSION_1);
			const text = JSON.stringify({ ...record, logLevel: 'debug' });
			const insert = 'INSERT INTO sessions VALUES (?, ?, ?, ?)';
			sql.exec(insert, id, text, '[0]', record.expiresAtMs);
			sql.exec(insert, ended, '{"ended":true}', '[]', record.expiresAtMs);
			sql.exec('INSERT INTO subscribers VALUES (?, ?, ?)', hash, id, record.expiresAtMs);
		});
		await evictDurableObject(object);

		const store = new DurableObjectSessionStore(oneObject(namespace));
		expect(await store.read(id)).toEqual({ ...record, logLevel: 'debug' });
		expect(await store.update(id, { logLevel: 'info' })).toBe(true);
		expect(await store.update(ended, { logLevel: 'info' })).toBe(false);
		expect(await object.subscribers(hash, Date.now())).toEqual([id]);
		await store.subscribe(id, uri, record.expiresAtMs);
		await store.delete(id);
		expect(await store.subscribers(uri)).toEqual([]);
		expect(await store.claim(id, record.expiresAtMs)).toBe(true);
		expect(await store.claim(id, record.expiresAtMs)).toBe(false);
		expect(await object.subscribers(hash, Date.now())).toEqual([]);
	});

	it('is migrated from the current version with its data, once', async () => {
		const object = newObject();
		await object.create('a', '{}', 1_000);
		await runInDurableObject(object, (_object, { storage }) => {
			const later = [...MIGRATIONS, NEXT];
			migrate(storage, later);
			migrate(storage, later);
			expect(schemaVersion(storage.sql)).toBe(later.length);
			expect(storage.sql.exec('SELECT id, text, principal FROM sessions').one()).toEqual({
				id: 'a',
				text: '{}',
				principal: null,
			});
		});
	});

	it('does not change if a migration fails half-way', async () => {
		const object = newObject();
		await object.create('a', '{}', 1_000);
		await runInDurableObject(object, (_object, { storage }) => {
			const before = structureOf(storage.sql);
			expect(() => migrate(storage, [...MIGRATIONS, NEXT, 'nonsense'])).toThrow('syntax error');
			expect(structureOf(storage.sql)).toEqual(before);
			expect(schemaVersion(storage.sql)).toBe(MIGRATIONS.length);
		});
	});

	it('of a later release does not change, and every call rejects with its version', async () => {
		const object = namespace.getByName(objectName(0));
		await object.create('a', '{}', Date.now() + HOUR_MS);
		await runInDurableObject(object, async (_object, { storage }) => {
			const { sql } = storage;
			sql.exec('UPDATE schema_version SET version = 7');
			const rows = (): unknown[] => sql.exec('SELECT * FROM sessions').toArray();
			const before = [structureOf(sql), rows(), await storage.getAlarm()];
			// What the constructor does before anything else.
			expect(() => migrate(storage)).toThrow('schema version 7');
			expect([structureOf(sql), rows(), await storage.getAlarm()]).toEqual(before);
		});
		await evictDurableObject(object);
		const store = new DurableObjectSessionStore(oneObject(namespace));
		await expect(store.read('a')).rejects.toMatchObject({
			name: 'StoreError',
			message:
				'[tmcp-sessions/info-durable-object] reading a session failed: the storage has ' +
				'schema version 7; this release of @tmcp-sessions/info-durable-object supports 4. ' +
				'Deploy a later release',
		});
		await expect(store.create('b', { createdAtMs: 0, expiresAtMs: 0 })).rejects.toThrow(
			'schema version 7',
		);
	});
});
