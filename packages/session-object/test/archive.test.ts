import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { alarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { archiveOf, objectOf, tablesOf } from './fixture/objects.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

describe('an archive', () => {
	async function expired(notes: string[]): Promise<Client> {
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
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		world.skewMs = 0;
		return client;
	}

	it('restores all that there was, and the client goes on with its id', async () => {
		const client = await expired(['milk', 'bread']);
		expect((await client.ask('ping')).status).toBe(404);
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

	it('restores a session that had come to its absolute time: that begins anew too', async () => {
		world.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		world.skewMs = HOUR_MS + 1_000;
		await alarm(client);
		expect((await client.ask('ping')).status).toBe(404);
		world.skewMs = DAY_MS;
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		world.skewMs += 50 * 60_000;
		expect((await client.ask('ping')).status).toBe(200);
		world.skewMs += 50 * 60_000;
		await alarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it.each([
		[
			'columns that are generated',
			'CREATE TABLE kept (one INTEGER, two AS (one * 2), three AS (one * 3) STORED)',
			'INSERT INTO kept (one) VALUES (1)',
		],
		[
			'rows that refer to later ones',
			'CREATE TABLE kept (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES kept (id))',
			'INSERT INTO kept VALUES (2, NULL), (1, 2)',
		],
		[
			'infinities',
			'CREATE TABLE kept (n REAL)',
			'INSERT INTO kept VALUES (9e999), (-9e999), (0.5)',
		],
		[
			'an index of full text',
			'CREATE VIRTUAL TABLE kept USING fts5(text)',
			"INSERT INTO kept VALUES ('milk and bread'), ('jam')",
		],
	])('restores %s', async (_what, ...statements) => {
		const client = await Client.open();
		const kept = (): Promise<unknown[]> =>
			runInDurableObject(objectOf(client), (_instance, { storage }) =>
				storage.sql.exec('SELECT * FROM kept').toArray(),
			);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			for (const statement of statements) storage.sql.exec(statement);
		});
		const before = await kept();
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await kept()).toEqual(before);
	});

	it('of many megabytes is uploaded in parts, and restored', { timeout: 30_000 }, async () => {
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
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect((await env.BUCKET.head(archiveOf(client)))?.size).toBeGreaterThan(13_000_000);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		const { count } = await runInDurableObject(objectOf(client), (_instance, { storage }) =>
			storage.sql.exec<{ count: number }>('SELECT sum(length(bytes)) AS count FROM large').one(),
		);
		expect(count).toBe(14_000_000);
	});

	it('has rows as long as a row can be, and longer texts in characters that take four bytes', async () => {
		const client = await Client.open();
		const row = '𝄞'.repeat(480_000);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec('CREATE TABLE long (bytes BLOB, text TEXT)');
			storage.sql.exec('INSERT INTO long VALUES (?, NULL)', new Uint8Array(1_990_000).buffer);
			storage.sql.exec('INSERT INTO long VALUES (NULL, ?)', row);
		});
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			const [first, second] = storage.sql.exec('SELECT * FROM long').toArray();
			expect(first?.['bytes']).toHaveProperty('byteLength', 1_990_000);
			expect(second?.['text'] === row).toBe(true);
		});
	});

	it('is restored once where two ask for it', async () => {
		const client = await expired(['milk']);
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

	it('is nobody’s session until all of it is restored', async () => {
		const client = await expired(['milk']);
		const held = Promise.withResolvers<void>();
		const begun = Promise.withResolvers<void>();
		world.settings = { bucket: bucketThatWaits(held.promise, begun.resolve) };
		await evictDurableObject(objectOf(client));
		const restored = restoreSession('SESSIONS', objectOf(client).id.toString());
		await begun.promise;
		expect((await client.ask('ping')).status).toBe(404);
		expect(await tablesOf(objectOf(client))).toEqual(['tmcp_restoring']);
		// An alarm that goes off meanwhile does not take it for what was left behind.
		expect(await alarm(client)).toBe(true);
		held.resolve();
		await restored;
		expect(await client.call('list_notes')).toBe('["milk"]');
		expect(await tablesOf(objectOf(client))).not.toContain('tmcp_restoring');
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + DAY_MS - HOUR_MS);
	});

	it('whose object was lost while it was restored leaves nothing, and is restored the next time', async () => {
		const client = await expired(['milk']);
		const loseHalf = (): Promise<void> =>
			runInDurableObject(objectOf(client), async (_instance, { storage }) => {
				await storage.setAlarm(Date.now() + HOUR_MS);
				storage.sql.exec('CREATE TABLE tmcp_restoring (part INTEGER PRIMARY KEY, bytes BLOB)');
				storage.sql.exec('INSERT INTO tmcp_restoring VALUES (0, ?)', new ArrayBuffer(100));
			});
		await loseHalf();
		await evictDurableObject(objectOf(client));
		expect((await client.ask('ping')).status).toBe(404);
		expect(await alarm(client)).toBe(true);
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

	it('that is not there says what restoreSession takes', async () => {
		const id = env.SESSIONS.newUniqueId().toString();
		await expect(restoreSession('SESSIONS', id)).rejects.toThrow(
			/the archive sessions\/.+ does not exist; restoreSession requires the objectId of an expired session/,
		);
	});

	it.each([
		['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 20)],
		[
			'with one byte changed',
			(bytes: Uint8Array) => bytes.with(bytes.length >> 1, 1 ^ (bytes[bytes.length >> 1] ?? 0)),
		],
		['empty', () => new Uint8Array()],
		['no gzip', () => new TextEncoder().encode('hello')],
	])('%s is refused, and nothing of it is restored', async (_what, damage) => {
		const client = await expired(['milk']);
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
			'with a row of no table',
			(lines: string[]) => lines.with(3, '{"table":"none","row":{"x":1}}'),
			/a line cannot be restored.+no such table: none/,
		],
		['with a line that is no JSON', (lines: string[]) => lines.with(3, '{'), /cannot be restored/],
		['with a line too many', (lines: string[]) => [...lines, '{"sql":""}'], /after its last line/],
		['without a header', (lines: string[]) => lines.slice(1), /its header is missing/],
	])('%s is refused', async (_what, change, message) => {
		const client = await expired(['milk']);
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

	it('that the bucket does not take is tried again, and the session is kept until then', async () => {
		const put = { fails: true };
		const failing = new Proxy(env.BUCKET, {
			get(target, key) {
				if (key === 'put' && put.fails) return () => Promise.reject(new Error('bucket is down'));
				const member: unknown = Reflect.get(target, key, target);
				return typeof member === 'function' ? (member.bind(target) as unknown) : member;
			},
		});
		world.settings = { bucket: failing };
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect(world.errors).toEqual([
			'[tmcp-sessions/session-object] an expired session could not be archived; it is kept until the archive succeeds: bucket is down',
		]);
		expect(await tablesOf(objectOf(client))).toContain('tmcp_entries');
		// What is being put away takes nothing more in.
		const { status } = await client.ask('ping');
		expect(status).toBe(503);
		put.fails = false;
		world.skewMs += 61_000;
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe('["milk"]');
	});
});

/** The bucket of the tests, which gives nothing before it may. */
function bucketThatWaits(may: Promise<void>, begun: () => void): R2Bucket {
	return new Proxy(env.BUCKET, {
		get(target, key) {
			if (key !== 'get') return Reflect.get(target, key, target) as unknown;
			return async (name: string) => {
				const found = await target.get(name);
				const bytes = new Uint8Array((await found?.arrayBuffer()) ?? []);
				const body = new ReadableStream({
					async pull(controller) {
						begun();
						await may;
						controller.enqueue(bytes);
						controller.close();
					},
				});
				return { body };
			};
		},
	});
}
