import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { world } from './fixture/test-session.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

afterEach(() => {
	world.settings = undefined;
	world.skewMs = 0;
	world.errors.length = 0;
	world.scheduled.length = 0;
	world.onSchedule = undefined;
});

/** The alarm goes off, whatever time it was set to. @returns whether one was set. */
function alarm(client: Client): Promise<boolean> {
	return runDurableObjectAlarm(objectOf(client));
}

function alarmMs(client: Client): Promise<number | null> {
	return runInDurableObject(objectOf(client), (_instance, { storage }) => storage.getAlarm());
}

function archiveOf(client: Client): string {
	return `sessions/${objectOf(client).id.toString()}.jsonl.gz`;
}

async function schedule(client: Client, name: string, atMs: number): Promise<void> {
	const id = objectOf(client).id.toString();
	await client.ask('ping');
	await runInDurableObject(objectOf(client), () => {
		world.created.findLast(({ objectId }) => objectId === id)?.schedule(name, atMs, { for: name });
	});
}

describe('a session that is not used', () => {
	it('expires by alarm, is archived, and leaves nothing that is billed', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + DAY_MS - HOUR_MS);
		world.skewMs = DAY_MS + 1_000;
		expect(await alarm(client)).toBe(true);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		expect((await client.ask('ping')).status).toBe(404);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await env.BUCKET.head(archiveOf(client))).not.toBeNull();
	});

	it('is not forgotten where its alarm finds a deployment that cannot start it', async () => {
		const client = await Client.open();
		world.settings = { migrations: [] };
		await evictDurableObject(objectOf(client));
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect(world.errors).toEqual([expect.stringMatching(/brought to version 1/)]);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now());
		world.settings = undefined;
		await evictDurableObject(objectOf(client));
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('that is used stays, however often the alarm goes off', async () => {
		const client = await Client.open();
		for (let day = 1; day <= 3; day++) {
			world.skewMs = day * DAY_MS * 0.9;
			expect((await client.ask('ping')).status).toBe(200);
			await alarm(client);
		}
		expect(await client.call('list_notes')).toBe('[]');
	});

	it('ends at its absolute time, though it is used', async () => {
		world.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await Client.open();
		for (const minutes of [50, 100, 119]) {
			world.skewMs = minutes * 60_000;
			expect((await client.ask('ping')).status).toBe(200);
		}
		world.skewMs = 121 * 60_000;
		await alarm(client);
		expect((await client.ask('ping')).status).toBe(404);
	});

	it('without a bucket is deleted all the same', async () => {
		world.settings = { bucket: undefined };
		const client = await Client.open();
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await env.BUCKET.head(archiveOf(client))).toBeNull();
	});

	it('that its client ended is deleted a little later, and is not archived', async () => {
		const client = await Client.open();
		await client.send('DELETE');
		expect(await alarmMs(client)).toBeLessThanOrEqual(Date.now() + 30_000);
		world.skewMs = 31_000;
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await env.BUCKET.head(archiveOf(client))).toBeNull();
	});
});

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

	it('of many megabytes is uploaded in parts, and restored', async () => {
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

	it('is not restored over a session that is live', async () => {
		const client = await Client.open();
		await expect(restoreSession('SESSIONS', objectOf(client).id.toString())).rejects.toThrow(
			/the session is live: nothing was restored over it/,
		);
	});

	it('that is not there says what restoreSession takes', async () => {
		const id = env.SESSIONS.newUniqueId().toString();
		await expect(restoreSession('SESSIONS', id)).rejects.toThrow(
			/there is no archive sessions\/.+ restoreSession takes the id of an object whose session expired/,
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
			/is damaged \(.+\), and nothing of it was restored; take it from a copy of the bucket/,
		);
		expect(await tablesOf(objectOf(client))).toEqual([]);
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
			/has version 2, where this release reads 1/,
		],
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
			'[tmcp-sessions/session-object] a session that expired could not be archived; it is kept, and archived later: bucket is down',
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

describe('a clock that jumps', () => {
	it('forward by a month ends no session at once: its client has a quarter of an hour, and onError is told', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		world.skewMs = 30 * DAY_MS - HOUR_MS;
		await alarm(client);
		expect(world.errors).toEqual([
			expect.stringMatching(
				/should have expired \d+ s ago and its alarm came only now.+The session stays for 900 s more.+if the clock is right, nothing is to be done/,
			),
		]);
		// One that goes off before is nothing to it.
		await alarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
		await alarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('forward, and nobody comes: it expires after the grace', async () => {
		const client = await Client.open();
		world.skewMs = 20 * DAY_MS;
		await alarm(client);
		expect(await alarmMs(client)).toBeLessThan(Date.now() + 20 * DAY_MS + HOUR_MS);
		world.skewMs += 16 * 60_000;
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('forward, before the alarm has looked: the session is still known', async () => {
		const client = await Client.open();
		world.skewMs = 20 * DAY_MS;
		expect((await client.ask('ping')).status).toBe(200);
	});

	it('forward beyond its absolute time: a session that is used has one grace and no other', async () => {
		world.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await Client.open();
		world.skewMs = 4 * HOUR_MS;
		await alarm(client);
		world.skewMs += 10 * 60_000;
		expect((await client.ask('ping')).status).toBe(200);
		await alarm(client);
		world.skewMs += 10 * 60_000;
		await alarm(client);
		expect((await client.ask('ping')).status).toBe(404);
		expect(world.errors).toHaveLength(1);
	});

	it('back ends nothing early, and onError is told', async () => {
		world.skewMs = 10 * DAY_MS;
		const client = await Client.open();
		world.skewMs = 0;
		expect(await client.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(world.errors).toEqual([
			expect.stringMatching(/the clock was set back by 86\d+ s .+look at what sets the clock/),
		]);
		world.skewMs = 23 * HOUR_MS;
		await alarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});
});

describe('what a session schedules', () => {
	it('is done at its time, by the one alarm, which still ends the session', async () => {
		const client = await Client.open();
		const startMs = Date.now();
		await schedule(client, 'later', startMs + 2 * HOUR_MS);
		await schedule(client, 'soon', startMs + HOUR_MS);
		expect(await alarmMs(client)).toBe(startMs + HOUR_MS);
		world.skewMs = HOUR_MS;
		await alarm(client);
		expect(world.scheduled).toEqual([['soon', { for: 'soon' }]]);
		expect(await alarmMs(client)).toBe(startMs + 2 * HOUR_MS);
		world.skewMs = 2 * HOUR_MS;
		await alarm(client);
		expect(world.scheduled).toHaveLength(2);
		world.skewMs = DAY_MS + HOUR_MS / 2;
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('outlives an eviction, moves when it is scheduled again, and can be cancelled', async () => {
		const client = await Client.open();
		await schedule(client, 'one', Date.now() + HOUR_MS);
		await schedule(client, 'one', Date.now() + 3 * HOUR_MS);
		await schedule(client, 'two', Date.now() + HOUR_MS);
		await evictDurableObject(objectOf(client));
		const id = objectOf(client).id.toString();
		await client.ask('ping');
		await runInDurableObject(objectOf(client), () => {
			const session = world.created.findLast(({ objectId }) => objectId === id);
			expect(session?.unschedule('two')).toBe(true);
			expect(session?.unschedule('two')).toBe(false);
		});
		world.skewMs = 2 * HOUR_MS;
		await alarm(client);
		expect(world.scheduled).toEqual([]);
		world.skewMs = 3 * HOUR_MS + 1_000;
		await alarm(client);
		expect(world.scheduled).toEqual([['one', { for: 'one' }]]);
	});

	it('is tried again where it fails, holds up nothing else, and is dropped in the end', async () => {
		const client = await Client.open();
		let failures = 0;
		world.onSchedule = (name) => {
			if (name !== 'bad') return;
			failures += 1;
			throw new Error('cannot');
		};
		await schedule(client, 'bad', Date.now());
		await schedule(client, 'good', Date.now());
		await expect.poll(() => failures).toBeGreaterThan(0);
		for (let attempt = 0; attempt < 12; attempt++) {
			world.skewMs += 2 * HOUR_MS;
			await client.ask('ping');
			await alarm(client);
		}
		expect(failures).toBe(8);
		expect(world.scheduled).toEqual([['good', { for: 'good' }]]);
		expect(world.errors.at(-1)).toMatch(/"bad" failed 8 times and is dropped/);
	});

	it.each([
		['its client ended', 0, async (client: Client) => void (await client.send('DELETE'))],
		['has expired while its bucket is down', DAY_MS + 1_000, async () => {}],
	])(
		'does not set off the alarm of a session again and again that %s',
		async (_what, endMs, end) => {
			const bucket = { put: () => Promise.reject(new Error('bucket is down')) };
			// Sound: nothing else of it is called.
			world.settings = { bucket: bucket as unknown as R2Bucket };
			const client = await Client.open();
			await schedule(client, 'overdue', Date.now() + endMs + 5_000);
			await end(client);
			world.skewMs = endMs;
			await alarm(client);
			world.skewMs += 6_000;
			await alarm(client);
			expect(await alarmMs(client)).toBeGreaterThan(Date.now() + world.skewMs);
			expect(world.scheduled).toEqual([]);
		},
	);

	it('refuses what is no time, and what is too long', async () => {
		const client = await Client.open();
		await expect(schedule(client, 'x', Number.NaN)).rejects.toThrow(
			/milliseconds since the epoch .+ found NaN/,
		);
		await expect(schedule(client, 'x'.repeat(300), 1)).rejects.toThrow(
			/a name of 1 to 256 characters/,
		);
	});
});
