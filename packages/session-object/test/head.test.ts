import { restoreSession } from '@tmcp-sessions/session-object';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { alarmMs, DAY_MS, HOUR_MS, runAlarm } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { databaseBytes, objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testSettings, testState } from './fixture/test-session.ts';

const HEAD = 'tmcp_head';
const ENTRIES = 'tmcp_entries';

/** A deployment without tables of the user. */
beforeEach(() => {
	testState.settings = { migrations: [] };
});
afterEach(resetTestState);

/** Returns what an object stores by key, with the kinds of the entries. */
function keysOf(client: Client): Promise<Record<string, string[]>> {
	return runInDurableObject(objectOf(client), (_instance, { storage }) =>
		Object.fromEntries(
			[...storage.kv.list<string>()].map(([key, text]) => {
				// Safe because the package writes all keys of a test session.
				const { entries } = JSON.parse(text) as { entries: { kind: string; key: string }[] };
				return [key, entries.map(({ kind, key: name }) => (kind === 'meta' ? name : kind))];
			}),
		),
	);
}

/** Moves a session to the layout in which every entry was in the table. */
async function storeInTable(client: Client): Promise<void> {
	await runInDurableObject(objectOf(client), (_instance, { storage: { kv, sql } }) => {
		// Safe because the package wrote it.
		const { entries } = JSON.parse(kv.get<string>(HEAD) ?? '') as {
			entries: { kind: string; key: string; value: string; dueMs: number | null }[];
		};
		sql.exec(
			`CREATE TABLE IF NOT EXISTS tmcp_entries (
				kind TEXT, key TEXT, value BLOB NOT NULL, at_ms INTEGER, PRIMARY KEY (kind, key)
			) WITHOUT ROWID`,
		);
		for (const { kind, key, value, dueMs } of entries) {
			sql.exec('INSERT INTO tmcp_entries VALUES (?, ?, ?, ?)', kind, key, value, dueMs);
		}
		kv.delete(HEAD);
	});
	await evictDurableObject(objectOf(client));
}

describe('a session whose tools store nothing', () => {
	it('has one value and no table, also with a stream, and is found again after an eviction', async () => {
		const client = await Client.open();
		await expect.poll(() => keysOf(client)).toEqual({ [HEAD]: ['session', 'life', 'tools'] });
		expect(await tablesOf(objectOf(client))).toEqual([]);
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(200);
		const stream = await Stream.open(client);
		await client.call('announce');
		await stream.until('list_changed');
		expect(await tablesOf(objectOf(client))).not.toContain(ENTRIES);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now());
	});

	it('creates the table with its first value, and reads both after an eviction', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect(await tablesOf(objectOf(client))).toEqual([ENTRIES]);
		await evictDurableObject(objectOf(client));
		expect(await client.call('list_notes')).toBe('["milk"]');
		await client.request('logging/setLevel', { level: 'debug' });
		expect(await keysOf(client)).toEqual({ [HEAD]: ['session', 'life', 'tools'] });
	});

	it('expires and leaves no billed storage', async () => {
		const client = await Client.open();
		testState.skewMs = DAY_MS + 1_000;
		expect(await runAlarm(client)).toBe(true);
		expect(await keysOf(client)).toEqual({});
		expect(await alarmMs(client)).toBeNull();
		expect(await databaseBytes(objectOf(client))).toBe(
			await databaseBytes(env.SESSIONS.get(env.SESSIONS.newUniqueId())),
		);
		expect((await client.request('ping')).status).toBe(404);
	});

	it('ends with a DELETE, and stays ended until it is deleted', async () => {
		const client = await Client.open();
		await client.send('DELETE');
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(404);
		testState.skewMs = 31_000;
		await runAlarm(client);
		expect(await keysOf(client)).toEqual({});
		expect(testState.errors).toEqual([]);
	});

	it.each([[[]], [['milk']]])('is archived and restored with the notes %j', async (notes) => {
		const client = await Client.open();
		for (const text of notes) await client.call('add_note', { text });
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(404);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe(JSON.stringify(notes));
		expect(await keysOf(client)).toEqual({});
		testState.skewMs += HOUR_MS;
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(200);
	});
});

describe('tables of the user', () => {
	it('are added to a session without a table by a later deployment, and protected from an earlier one', async () => {
		const client = await Client.open();
		testState.settings = undefined;
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ sql }) => {
			sql.exec("INSERT INTO events (what) VALUES ('a')");
			expect(sql.exec('SELECT what FROM events').toArray()).toEqual([{ what: 'a' }]);
		});
		expect(testSettings.migrations).toHaveLength(1);
		testState.settings = { migrations: [] };
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(503);
	});
});

describe('a session of the layout before, with everything in the table', () => {
	it('keeps its record, its lifetime and its tools there', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		await storeInTable(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
		await client.request('logging/setLevel', { level: 'debug' });
		testState.skewMs = 12 * HOUR_MS;
		expect((await client.request('ping')).status).toBe(200);
		expect(await keysOf(client)).toEqual({});
		testState.skewMs = DAY_MS + HOUR_MS;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(200);
		await client.send('DELETE');
		testState.skewMs += 31_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(testState.errors).toEqual([]);
	});
});

describe('a session of a later release', () => {
	it('gets a 503, is not written, and its alarm waits for a day', async () => {
		const client = await Client.open();
		const text = JSON.stringify({ version: 2, entries: [] });
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.kv.put(HEAD, text);
		});
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(503);
		expect(testState.errors.join()).toMatch(/version 2 of its format; this release supports 1/);
		testState.skewMs = 2 * DAY_MS;
		await runAlarm(client);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + 23 * HOUR_MS);
		const stored = await runInDurableObject(objectOf(client), (_instance, { storage }) =>
			storage.kv.get(HEAD),
		);
		expect(stored).toBe(text);
	});
});

describe('the sessions of an identity', () => {
	it('are stored apart, the first in the value and others in the table, and end one by one', async () => {
		const identity = { authorization: 'several/laptop' };
		const first = await Client.open('/identity', identity);
		const second = await Client.open('/identity', identity);
		const object = testState.created.at(-1)?.objectId ?? '';
		const stub = env.SESSIONS.get(env.SESSIONS.idFromString(object));
		expect(await tablesOf(stub)).toEqual([ENTRIES]);
		await evictDurableObject(stub);
		await first.send('DELETE');
		expect((await first.request('ping')).status).toBe(404);
		expect((await second.request('ping')).status).toBe(200);
		const third = await Client.open('/identity', identity);
		await evictDurableObject(stub);
		expect((await second.request('ping')).status).toBe(200);
		expect((await third.request('ping')).status).toBe(200);
		expect((await first.request('ping')).status).toBe(404);
	});
});
