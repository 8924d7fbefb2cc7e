import { objectName } from '@tmcp-sessions/session-object';
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { runAlarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import {
	archiveOf,
	journaledCalls,
	databaseBytes,
	objectOf,
	socketCount,
	tablesOf,
} from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('an idle session', () => {
	it('expires by alarm, is archived, and leaves no billed storage', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + DAY_MS - HOUR_MS);
		testState.skewMs = DAY_MS + 1_000;
		expect(await runAlarm(client)).toBe(true);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		// The size of an object that was never used.
		expect(await databaseBytes(objectOf(client))).toBe(
			await databaseBytes(env.SESSIONS.get(env.SESSIONS.newUniqueId())),
		);
		expect((await client.request('ping')).status).toBe(404);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await env.BUCKET.head(archiveOf(client))).not.toBeNull();
	});

	it('is not lost if its alarm fires in a deployment that cannot start it', async () => {
		const client = await Client.open();
		testState.settings = { migrations: [] };
		await evictDurableObject(objectOf(client));
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(testState.errors).toEqual([expect.stringMatching(/1 migrations have run/)]);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now());
		testState.settings = undefined;
		await evictDurableObject(objectOf(client));
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('does not expire while requests use it', async () => {
		const client = await Client.open();
		for (let day = 1; day <= 3; day++) {
			testState.skewMs = day * DAY_MS * 0.9;
			expect((await client.request('ping')).status).toBe(200);
			await runAlarm(client);
		}
		expect(await client.call('list_notes')).toBe('[]');
	});

	it('does not re-arm the alarm at once after a deployment extends idleSeconds', async () => {
		testState.settings = { lifetime: { idleSeconds: 3_600 } };
		const client = await Client.open();
		testState.settings = undefined;
		await evictDurableObject(objectOf(client));
		testState.skewMs = HOUR_MS + 1_000;
		await runAlarm(client);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + 22 * HOUR_MS);
		expect((await client.request('ping')).status).toBe(200);
	});

	it('expires at its absolute time although requests use it', async () => {
		testState.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await Client.open();
		for (const minutes of [50, 100, 119]) {
			testState.skewMs = minutes * 60_000;
			expect((await client.request('ping')).status).toBe(200);
		}
		testState.skewMs = 121 * 60_000;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(404);
	});

	it('is deleted if there is no bucket', async () => {
		testState.settings = { bucket: undefined };
		const client = await Client.open();
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await env.BUCKET.head(archiveOf(client))).toBeNull();
	});

	it('is deleted within 30 s after its client ends it, without an archive', async () => {
		const client = await Client.open();
		await client.send('DELETE');
		expect(await alarmMs(client)).toBeLessThanOrEqual(Date.now() + 30_000);
		testState.skewMs = 31_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await env.BUCKET.head(archiveOf(client))).toBeNull();
	});
});

describe('a session that never had a stream', () => {
	it('has no stream tables after the alarm of its identity has checked for use', async () => {
		await Client.open('/identity', { authorization: 'quiet/laptop' });
		const name = await objectName({ workspaceId: 'quiet', clientId: 'laptop' });
		const object = env.SESSIONS.getByName(name);
		expect(await runDurableObjectAlarm(object)).toBe(true);
		expect(await tablesOf(object)).toEqual(['tmcp_entries', 'events']);
	});
});

describe('a session with an open stream', () => {
	const openWithStream = async (...as: Parameters<typeof Client.open>): Promise<Client> => {
		const client = await Client.open(...as);
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		return client;
	};

	it('does not expire although its client sends no requests', async () => {
		const client = await openWithStream();
		for (let day = 1; day <= 3; day++) {
			testState.skewMs = day * (DAY_MS + 500);
			await runAlarm(client);
		}
		expect((await client.request('ping')).status).toBe(200);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + testState.skewMs + DAY_MS - 60_000);
	});

	it('is live between its expiry and the alarm, and is extended by a day', async () => {
		const client = await openWithStream();
		testState.skewMs = DAY_MS + 500;
		expect((await client.request('ping')).status).toBe(200);
		testState.skewMs += DAY_MS - HOUR_MS;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(200);
	});

	it('does not extend other sessions of its identity', async () => {
		const identity = { authorization: 'listening/laptop' };
		const listening = await openWithStream('/identity', identity);
		const silent = await Client.open('/identity', identity);
		testState.skewMs = DAY_MS + 500;
		const name = await objectName({ workspaceId: 'listening', clientId: 'laptop' });
		await runDurableObjectAlarm(env.SESSIONS.getByName(name));
		expect((await silent.request('ping')).status).toBe(404);
		expect((await listening.request('ping')).status).toBe(200);
	});

	it('is extended by a stream that closes at once', async () => {
		const client = await Client.open();
		testState.skewMs = 12 * HOUR_MS;
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await stream.disconnect();
		testState.skewMs += 23 * HOUR_MS;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(200);
	});

	it('is extended until its stream closes', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		testState.skewMs = 23 * HOUR_MS;
		await stream.disconnect();
		await expect.poll(() => alarmMs(client)).toBeGreaterThan(0);
		await expect.poll(() => socketCount(client)).toBe(0);
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(200);
	});

	it('expires at its absolute time', async () => {
		testState.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await openWithStream();
		for (const [minutes, status] of [
			[60, 200],
			[121, 404],
		] as const) {
			testState.skewMs = minutes * 60_000 + 500;
			await runAlarm(client);
			expect((await client.request('ping')).status).toBe(status);
		}
	});
});

describe('a session with a call in flight', () => {
	it('is extended until the call ends', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		testState.runCall = (_tool, execute) => gate.promise.then(execute);
		const call = client.call('list_notes');
		await expect.poll(() => journaledCalls(client)).toHaveLength(1);
		testState.skewMs = 23 * HOUR_MS;
		await runAlarm(client);
		gate.resolve();
		await call;
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(200);
	});
});

describe('a clock jump', () => {
	it('forward by a month leaves a session 15 minutes to be used, and is reported to onError', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		testState.skewMs = 30 * DAY_MS - HOUR_MS;
		await runAlarm(client);
		expect(testState.errors).toEqual([
			expect.stringMatching(
				/should have expired \d+ s ago and its alarm fired only now.+The session stays for 900 s more.+if the clock is correct, no action is needed/,
			),
		]);
		// An alarm within the 15 minutes changes nothing.
		await runAlarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
		await runAlarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('forward expires an unused session after the grace period', async () => {
		const client = await Client.open();
		testState.skewMs = 20 * DAY_MS;
		await runAlarm(client);
		expect(await alarmMs(client)).toBeLessThan(Date.now() + 20 * DAY_MS + HOUR_MS);
		testState.skewMs += 16 * 60_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('forward leaves the session live until the alarm fires', async () => {
		const client = await Client.open();
		testState.skewMs = 20 * DAY_MS;
		expect((await client.request('ping')).status).toBe(200);
	});

	it('forward beyond the absolute time gives a used session one grace period only', async () => {
		testState.settings = { lifetime: { idleSeconds: 3_600, absoluteSeconds: 7_200 } };
		const client = await Client.open();
		testState.skewMs = 4 * HOUR_MS;
		await runAlarm(client);
		testState.skewMs += 10 * 60_000;
		expect((await client.request('ping')).status).toBe(200);
		await runAlarm(client);
		testState.skewMs += 10 * 60_000;
		await runAlarm(client);
		expect((await client.request('ping')).status).toBe(404);
		expect(testState.errors).toHaveLength(1);
	});

	it('backward expires no session early, and is reported to onError', async () => {
		testState.skewMs = 10 * DAY_MS;
		const client = await Client.open();
		testState.skewMs = 0;
		expect(await client.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(testState.errors).toEqual([
			expect.stringMatching(/the clock was set back by 86\d+ s .+find out what sets the clock/),
		]);
		testState.skewMs = 23 * HOUR_MS;
		await runAlarm(client);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});
});
