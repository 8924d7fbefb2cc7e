import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { runAlarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { archiveOf, objectOf, tablesOf } from './fixture/objects.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('an archive', () => {
	async function expireSession(notes: string[]): Promise<Client> {
		const client = await Client.open();
		for (const text of notes) await client.call('add_note', { text });
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec("INSERT INTO events (what) VALUES ('it''s\n\"quoted\"')");
			storage.sql.exec('CREATE INDEX by_what ON events (what)');
			storage.sql.exec('CREATE TABLE bytes (b BLOB, n REAL, x)');
			storage.sql.exec(
				'INSERT INTO bytes VALUES (?, ?, NULL)',
				new Uint8Array([0, 255]).buffer,
				1.5,
			);
		});
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		testState.skewMs = 0;
		return client;
	}

	it('restores all tables, so that the client continues with its session id', async () => {
		const client = await expireSession(['milk', 'bread']);
		expect((await client.request('ping')).status).toBe(404);
		const rows = await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(rows).toBeGreaterThan(4);
		expect(await client.call('list_notes')).toBe('["milk","bread"]');
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			expect(storage.sql.exec('SELECT what FROM events').toArray()).toEqual([
				{ what: 'it\'s\n"quoted"' },
			]);
			const { b, n, x } = storage.sql.exec('SELECT * FROM bytes').one();
			expect([...new Uint8Array(b as ArrayBuffer)]).toEqual([0, 255]);
			expect([n, x]).toEqual([1.5, null]);
		});
		expect(await tablesOf(objectOf(client))).toContain('by_what');
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + DAY_MS - HOUR_MS);
	});

	it('restarts the absolute lifetime of the session that it restores', async () => {
		testState.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		testState.skewMs = HOUR_MS + 1_000;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(404);
		testState.skewMs = DAY_MS;
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		testState.skewMs += 50 * 60_000;
		expect((await client.request('ping')).status).toBe(200);
		testState.skewMs += 50 * 60_000;
		await runAlarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it.each([
		[
			'generated columns',
			'CREATE TABLE kept (one INTEGER, two AS (one * 2), three AS (one * 3) STORED)',
			'INSERT INTO kept (one) VALUES (1)',
		],
		[
			'rows that reference later rows',
			'CREATE TABLE kept (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES kept (id))',
			'INSERT INTO kept VALUES (2, NULL), (1, 2)',
		],
		[
			'infinities',
			'CREATE TABLE kept (n REAL)',
			'INSERT INTO kept VALUES (9e999), (-9e999), (0.5)',
		],
		[
			'a full-text index',
			'CREATE VIRTUAL TABLE kept USING fts5(text)',
			"INSERT INTO kept VALUES ('milk and bread'), ('jam')",
		],
	])('restores %s', async (_case, ...statements) => {
		const client = await Client.open();
		const rows = (): Promise<unknown[]> =>
			runInDurableObject(objectOf(client), (_instance, { storage }) =>
				storage.sql.exec('SELECT * FROM kept').toArray(),
			);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			for (const statement of statements) storage.sql.exec(statement);
		});
		const before = await rows();
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await rows()).toEqual(before);
	});

	it('of 14 MB is uploaded in parts, and restored', { timeout: 30_000 }, async () => {
		const client = await Client.open();
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec('CREATE TABLE large (bytes BLOB)');
			for (let row = 0; row < 14; row++) {
				const bytes = new Uint8Array(1_000_000);
				for (let at = 0; at < bytes.length; at += 65_536) {
					crypto.getRandomValues(bytes.subarray(at, at + 65_536));
				}
				storage.sql.exec('INSERT INTO large VALUES (?)', bytes.buffer);
			}
		});
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect((await env.BUCKET.head(archiveOf(client)))?.size).toBeGreaterThan(13_000_000);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		const { count } = await runInDurableObject(objectOf(client), (_instance, { storage }) =>
			storage.sql.exec<{ count: number }>('SELECT sum(length(bytes)) AS count FROM large').one(),
		);
		expect(count).toBe(14_000_000);
	});

	it('restores rows of the maximum size, and texts of four-byte characters', async () => {
		const client = await Client.open();
		const row = '𝄞'.repeat(480_000);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec('CREATE TABLE long (bytes BLOB, text TEXT)');
			storage.sql.exec('INSERT INTO long VALUES (?, NULL)', new Uint8Array(1_990_000).buffer);
			storage.sql.exec('INSERT INTO long VALUES (NULL, ?)', row);
		});
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			const [first, second] = storage.sql.exec('SELECT * FROM long').toArray();
			expect(first?.['bytes']).toHaveProperty('byteLength', 1_990_000);
			expect(second?.['text'] === row).toBe(true);
		});
	});

	it('is restored once by two concurrent restores', async () => {
		const client = await expireSession(['milk']);
		const id = objectOf(client).id.toString();
		const both = await Promise.allSettled([
			restoreSession('SESSIONS', id),
			restoreSession('SESSIONS', id),
		]);
		expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
		const [failed] = both.filter((each) => each.status === 'rejected');
		expect(String(failed?.reason)).toMatch(
			/already being restored; wait until|the session is live/,
		);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('is not a live session until it is restored completely', async () => {
		const client = await expireSession(['milk']);
		const gate = Promise.withResolvers<void>();
		const begun = Promise.withResolvers<void>();
		testState.settings = { bucket: bucketWithGate(gate.promise, begun.resolve) };
		await evictDurableObject(objectOf(client));
		const restored = restoreSession('SESSIONS', objectOf(client).id.toString());
		await begun.promise;
		expect((await client.request('ping')).status).toBe(404);
		expect(await tablesOf(objectOf(client))).toEqual(['tmcp_restoring']);
		// An alarm that fires meanwhile must not delete the tables as leftovers.
		expect(await runAlarm(client)).toBe(true);
		gate.resolve();
		await restored;
		expect(await client.call('list_notes')).toBe('["milk"]');
		expect(await tablesOf(objectOf(client))).not.toContain('tmcp_restoring');
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + DAY_MS - HOUR_MS);
	});

	it('leaves no tables if its object is lost during the restore, and can be restored again', async () => {
		const client = await expireSession(['milk']);
		const loseHalf = (): Promise<void> =>
			runInDurableObject(objectOf(client), async (_instance, { storage }) => {
				await storage.setAlarm(Date.now() + HOUR_MS);
				storage.sql.exec('CREATE TABLE tmcp_restoring (part INTEGER PRIMARY KEY, bytes BLOB)');
				storage.sql.exec('INSERT INTO tmcp_restoring VALUES (0, ?)', new ArrayBuffer(100));
			});
		await loseHalf();
		await evictDurableObject(objectOf(client));
		expect((await client.request('ping')).status).toBe(404);
		expect(await runAlarm(client)).toBe(true);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		await loseHalf();
		await evictDurableObject(objectOf(client));
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('is not restored over a session that is live', async () => {
		const client = await Client.open();
		await expect(restoreSession('SESSIONS', objectOf(client).id.toString())).rejects.toThrow(
			/the session is live and was not overwritten; end it before/,
		);
	});

	it('that does not exist rejects with what restoreSession requires', async () => {
		const id = env.SESSIONS.newUniqueId().toString();
		await expect(restoreSession('SESSIONS', id)).rejects.toThrow(
			/the archive sessions\/.+ does not exist; restoreSession requires the objectId of an expired session/,
		);
	});

	it.each([
		['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 20)],
		[
			'changed by one byte',
			(bytes: Uint8Array) => bytes.with(bytes.length >> 1, 1 ^ (bytes[bytes.length >> 1] ?? 0)),
		],
		['empty', () => new Uint8Array()],
		['not gzip', () => new TextEncoder().encode('hello')],
	])('that is %s is rejected, and nothing is restored', async (_case, damage) => {
		const client = await expireSession(['milk']);
		const found = await env.BUCKET.get(archiveOf(client));
		const bytes = new Uint8Array((await found?.arrayBuffer()) ?? []);
		await env.BUCKET.put(archiveOf(client), damage(bytes));
		await expect(restoreSession('SESSIONS', objectOf(client).id.toString())).rejects.toThrow(
			/is damaged \(.+\) and was not restored; use a copy from a backup of the bucket/,
		);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
	});

	it.each([
		['without its last line', (lines: string[]) => lines.slice(0, -1), /lines are missing/],
		['without a line', (lines: string[]) => lines.toSpliced(3, 1), /lines are missing/],
		[
			'of another object',
			(lines: string[]) => lines.with(0, lines[0]?.replace(/"object":"\w/, '"object":"x') ?? ''),
			/another object/,
		],
		[
			'of a later release',
			(lines: string[]) => lines.with(0, lines[0]?.replace('"version":1', '"version":2') ?? ''),
			/has version 2 and this release reads version 1/,
		],
		[
			'with a row of an unknown table',
			(lines: string[]) => lines.with(3, '{"table":"none","row":{"x":1}}'),
			/a line cannot be restored.+no such table: none/,
		],
		['with a line that is not JSON', (lines: string[]) => lines.with(3, '{'), /cannot be restored/],
		['with an extra line', (lines: string[]) => [...lines, '{"sql":""}'], /after its last line/],
		['without a header', (lines: string[]) => lines.slice(1), /its header is missing/],
	])('%s is rejected', async (_case, change, message) => {
		const client = await expireSession(['milk']);
		const found = await env.BUCKET.get(archiveOf(client));
		const plain = found?.body.pipeThrough(new DecompressionStream('gzip'));
		const lines = (await new Response(plain ?? null).text()).trimEnd().split('\n');
		const changed = new Response(`${change(lines).join('\n')}\n`).body?.pipeThrough(
			new CompressionStream('gzip'),
		);
		await env.BUCKET.put(archiveOf(client), await new Response(changed ?? null).arrayBuffer());
		await expect(restoreSession('SESSIONS', objectOf(client).id.toString())).rejects.toThrow(
			message,
		);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('is retried if the bucket fails, and the session is kept until then', async () => {
		const put = { fails: true };
		const failing = new Proxy(env.BUCKET, {
			get(target, key) {
				if (key === 'put' && put.fails) return () => Promise.reject(new Error('bucket is down'));
				const member: unknown = Reflect.get(target, key, target);
				return typeof member === 'function' ? (member.bind(target) as unknown) : member;
			},
		});
		testState.settings = { bucket: failing };
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(testState.errors).toEqual([
			'[tmcp-sessions/session-object] an expired session could not be archived; it is kept until the archive succeeds: bucket is down',
		]);
		expect(await tablesOf(objectOf(client))).toContain('tmcp_entries');
		// A session that is being archived accepts no requests.
		const { status } = await client.request('ping');
		expect(status).toBe(503);
		put.fails = false;
		testState.skewMs += 61_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe('["milk"]');
	});
});

/** Returns the bucket with a `get` whose body waits for a promise. */
function bucketWithGate(gate: Promise<void>, onRead: () => void): R2Bucket {
	return new Proxy(env.BUCKET, {
		get(target, key) {
			if (key !== 'get') return Reflect.get(target, key, target) as unknown;
			return async (name: string) => {
				const found = await target.get(name);
				const bytes = new Uint8Array((await found?.arrayBuffer()) ?? []);
				const body = new ReadableStream({
					async pull(controller) {
						onRead();
						await gate;
						controller.enqueue(bytes);
						controller.close();
					},
				});
				return { body };
			};
		},
	});
}
