import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it } from 'vitest';

import { alarmMs, DAY_MS, HOUR_MS, runAlarm } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { objectOf } from './fixture/objects.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

/** Returns everything that an object stores, as JSON. */
function contentsOf(client: Client): Promise<string> {
	return runInDurableObject(objectOf(client), (_instance, { storage: { sql } }) => {
		const tables = sql
			.exec<{ name: string; sql: string }>(
				"SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
			)
			.toArray();
		return JSON.stringify(
			tables.map(({ name, sql: definition }) => [
				definition,
				sql.exec(`SELECT * FROM ${name}`).toArray(),
			]),
		);
	});
}

/** Runs a statement of a later release, and restarts the object with this one. */
async function upgrade(client: Client, statement: string): Promise<void> {
	await runInDurableObject(objectOf(client), (_instance, { storage }) => {
		storage.sql.exec(statement);
	});
	await evictDurableObject(objectOf(client));
}

describe('the tables of a later release', () => {
	it.each([
		[
			'this package',
			"INSERT INTO tmcp_entries (kind, key, value) VALUES ('meta', 'schema', '2')",
			/schema version 2; this release supports 1/,
		],
		[
			'the session',
			"UPDATE tmcp_entries SET value = '9' WHERE kind = 'meta' AND key = 'migrated'",
			/9 migrations have run/,
		],
	])('of %s are not written, get a 503 and no alarm before a day', async (_of, sql, message) => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		await upgrade(client, sql);
		const before = await contentsOf(client);
		const statuses = [
			(await client.request('ping')).status,
			(await client.request('tools/call', { name: 'add_note', arguments: { text: 'x' } })).status,
			(await client.send('GET')).status,
			(await client.send('DELETE')).status,
		];
		expect(statuses).toEqual([503, 503, 503, 503]);
		expect(testState.errors.join()).toMatch(message);
		testState.skewMs = 2 * DAY_MS;
		for (let count = 0; count < 3; count++) {
			await runAlarm(client);
			expect(await alarmMs(client)).toBeGreaterThan(Date.now() + 23 * HOUR_MS);
		}
		expect(await contentsOf(client)).toBe(before);
	});

	it('of its streams are not written, and get a 503', async () => {
		const client = await Client.open();
		await (await client.send('GET')).body?.cancel();
		await upgrade(client, "INSERT INTO tmcp_meta VALUES ('schema_version', 2)");
		const before = await contentsOf(client);
		expect((await client.send('GET')).status).toBe(503);
		expect(await contentsOf(client)).toBe(before);
	});
});
