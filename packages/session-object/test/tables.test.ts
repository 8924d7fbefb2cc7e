import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testSettings, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('user tables', () => {
	it('are created with the session and migrated by a later deployment', async () => {
		const client = await Client.open();
		await inSession(client, ({ sql }) => {
			sql.exec("INSERT INTO events (what) VALUES ('a')");
		});
		const migrations = [
			...(testSettings.migrations ?? []),
			'ALTER TABLE events ADD COLUMN who TEXT',
		];
		testState.settings = { migrations };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ sql }) => {
			expect(sql.exec('SELECT what, who FROM events').toArray()).toEqual([
				{ what: 'a', who: null },
			]);
		});
	});

	it('make an older deployment respond 503, and are not changed by it', async () => {
		const client = await Client.open();
		testState.settings = { migrations: [] };
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(503);
		expect(testState.errors.join()).toMatch(
			/1 migrations have run on the tables of this session and this deployment has 0; deploy a release that has them all/,
		);
	});

	it.each([
		['creates a table', 'CREATE TABLE TMCP_log (x)', 'TMCP_log'],
		['alters one', 'ALTER TABLE tmcp_entries ADD COLUMN mine', 'tmcp_entries'],
		['drops one', 'DROP TABLE tmcp_entries', 'tmcp_entries'],
	])('roll back a migration that %s with a reserved name', async (_case, migration, name) => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		testState.settings = { migrations: [...(testSettings.migrations ?? []), migration] };
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(500);
		expect(testState.errors.join()).toContain(
			`a migration creates, changes or drops ${name} and was rolled back: names that begin with ` +
				'tmcp_ are reserved for this package; choose another name',
		);
		testState.settings = undefined;
		await evictDurableObject(objectOf(client));
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('can have every name without the reserved prefix', async () => {
		const names = ['calls', 'histories', 'log', 'meta', 'shards', 'entries', 'sessions'];
		const tables = names.map((name) => `CREATE TABLE ${name} (mine TEXT)`);
		testState.settings = { migrations: [...(testSettings.migrations ?? []), ...tables] };
		const client = await Client.open();
		const stream = await Stream.open(client);
		await client.call('announce');
		await stream.until('list_changed');
		await inSession(client, ({ sql }) => {
			for (const name of names) {
				sql.exec(`INSERT INTO ${name} VALUES ('x')`);
				expect(sql.exec(`SELECT * FROM ${name}`).toArray()).toEqual([{ mine: 'x' }]);
			}
		});
	});

	it('are rolled back if a migration fails, with an error that names the migration', async () => {
		const client = await Client.open();
		const migrations = [...(testSettings.migrations ?? []), 'CREATE TABLE more (x); SELEKT 1'];
		testState.settings = { migrations };
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(500);
		expect(testState.errors.join()).toMatch(/migration 2 of 2 failed and was rolled back/);
		expect(await tablesOf(objectOf(client))).not.toContain('more');
	});
});
