import { objectName } from '@tmcp-sessions/session-object';
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { alarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import {
	archiveOf,
	callRows,
	databaseBytes,
	objectOf,
	socketCount,
	tablesOf,
} from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

describe('a session that is not used', () => {
	it('expires by alarm, is archived, and leaves nothing that is billed', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + DAY_MS - HOUR_MS);
		world.skewMs = DAY_MS + 1_000;
		expect(await alarm(client)).toBe(true);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		// As one that was never used.
		expect(await databaseBytes(objectOf(client))).toBe(
			await databaseBytes(env.SESSIONS.get(env.SESSIONS.newUniqueId())),
		);
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
		expect(world.errors).toEqual([expect.stringMatching(/1 migrations have run/)]);
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

	it('that a later deployment gives more time sets off no alarm again and again', async () => {
		world.settings = { lifetime: { idleSeconds: 3_600 } };
		const client = await Client.open();
		world.settings = undefined;
		await evictDurableObject(objectOf(client));
		world.skewMs = HOUR_MS + 1_000;
		await alarm(client);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + 22 * HOUR_MS);
		expect((await client.ask('ping')).status).toBe(200);
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

describe('a session that never had a stream', () => {
	it('has no tables for streams, though its identity’s alarm looks whether it is in use', async () => {
		await Client.open('/identity', { authorization: 'quiet/laptop' });
		const name = await objectName({ workspaceId: 'quiet', clientId: 'laptop' });
		const object = env.SESSIONS.getByName(name);
		expect(await runDurableObjectAlarm(object)).toBe(true);
		expect(await tablesOf(object)).toEqual(['tmcp_entries', 'events']);
	});
});

describe('a session whose stream is open', () => {
	const openWithStream = async (...as: Parameters<typeof Client.open>): Promise<Client> => {
		const client = await Client.open(...as);
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		return client;
	};

	it('lives on, day after day, though its client asks for nothing', async () => {
		const client = await openWithStream();
		for (let day = 1; day <= 3; day++) {
			world.skewMs = day * (DAY_MS + 500);
			await alarm(client);
		}
		expect((await client.ask('ping')).status).toBe(200);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + world.skewMs + DAY_MS - 60_000);
	});

	it('is known in the moment between its end and the alarm, and has a day more', async () => {
		const client = await openWithStream();
		world.skewMs = DAY_MS + 500;
		expect((await client.ask('ping')).status).toBe(200);
		world.skewMs += DAY_MS - HOUR_MS;
		await alarm(client);
		expect((await client.ask('ping')).status).toBe(200);
	});

	it('keeps none of its identity’s other sessions alive', async () => {
		const identity = { authorization: 'listening/laptop' };
		const listening = await openWithStream('/identity', identity);
		const silent = await Client.open('/identity', identity);
		world.skewMs = DAY_MS + 500;
		const name = await objectName({ workspaceId: 'listening', clientId: 'laptop' });
		await runDurableObjectAlarm(env.SESSIONS.getByName(name));
		expect((await silent.ask('ping')).status).toBe(404);
		expect((await listening.ask('ping')).status).toBe(200);
	});

	it('was used when the stream was opened, however soon that is gone', async () => {
		const client = await Client.open();
		world.skewMs = 12 * HOUR_MS;
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await stream.leave();
		world.skewMs += 23 * HOUR_MS;
		await alarm(client);
		expect((await client.ask('ping')).status).toBe(200);
	});

	it('was used for as long as the stream was open', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		world.skewMs = 23 * HOUR_MS;
		await stream.leave();
		await expect.poll(() => alarmMs(client)).toBeGreaterThan(0);
		await expect.poll(() => socketCount(client)).toBe(0);
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect((await client.ask('ping')).status).toBe(200);
	});

	it('ends at its absolute time all the same', async () => {
		world.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await openWithStream();
		for (const [minutes, status] of [
			[60, 200],
			[121, 404],
		] as const) {
			world.skewMs = minutes * 60_000 + 500;
			await alarm(client);
			expect((await client.ask('ping')).status).toBe(status);
		}
	});
});

describe('a session whose call is at work', () => {
	it('was used for as long as the call was', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		world.runCall = (_tool, work) => gate.promise.then(work);
		const call = client.call('list_notes');
		await expect.poll(() => callRows(client)).toHaveLength(1);
		world.skewMs = 23 * HOUR_MS;
		await alarm(client);
		gate.resolve();
		await call;
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect((await client.ask('ping')).status).toBe(200);
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
				/should have expired \d+ s ago and its alarm fired only now.+The session stays for 900 s more.+if the clock is correct, no action is needed/,
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
			expect.stringMatching(/the clock was set back by 86\d+ s .+find out what sets the clock/),
		]);
		world.skewMs = 23 * HOUR_MS;
		await alarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});
});
