import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { runAlarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

async function schedule(client: Client, name: string, atMs: number): Promise<void> {
	await inSession(client, (session) => session.schedule(name, atMs, { for: name }));
}

describe('a scheduled job', () => {
	it('runs on time by the alarm that also ends the session', async () => {
		const client = await Client.open();
		const startMs = Date.now();
		await schedule(client, 'later', startMs + 2 * HOUR_MS);
		await schedule(client, 'soon', startMs + HOUR_MS);
		expect(await alarmMs(client)).toBe(startMs + HOUR_MS);
		testState.skewMs = HOUR_MS;
		await runAlarm(client);
		expect(testState.scheduled).toEqual([['soon', { for: 'soon' }]]);
		expect(await alarmMs(client)).toBe(startMs + 2 * HOUR_MS);
		testState.skewMs = 2 * HOUR_MS;
		await runAlarm(client);
		expect(testState.scheduled).toHaveLength(2);
		testState.skewMs = DAY_MS + HOUR_MS / 2;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('survives an eviction, moves when it is scheduled again, and can be cancelled', async () => {
		const client = await Client.open();
		await schedule(client, 'one', Date.now() + HOUR_MS);
		await schedule(client, 'one', Date.now() + 3 * HOUR_MS);
		await schedule(client, 'two', Date.now() + HOUR_MS);
		await evictDurableObject(objectOf(client));
		await inSession(client, (session) => {
			expect(session.unschedule('two')).toBe(true);
			expect(session.unschedule('two')).toBe(false);
		});
		await evictDurableObject(objectOf(client));
		testState.skewMs = 2 * HOUR_MS;
		await runAlarm(client);
		expect(testState.scheduled).toEqual([]);
		testState.skewMs = 3 * HOUR_MS + 1_000;
		await runAlarm(client);
		expect(testState.scheduled).toEqual([['one', { for: 'one' }]]);
	});

	it('shares the alarm with the streams and the expiry of the session', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await client.call('announce');
		await client.call('announce');
		await stream.until('list_changed', 2);
		const streamsMs = await alarmMs(client);
		// The streams are pruned within the hour: a later job does not move the alarm.
		await schedule(client, 'later', Date.now() + 23 * HOUR_MS);
		expect(await alarmMs(client)).toBe(streamsMs);
		expect(streamsMs).toBeLessThan(Date.now() + HOUR_MS);
		await evictDurableObject(objectOf(client));
		testState.skewMs = 2 * HOUR_MS;
		await runAlarm(client);
		expect(testState.scheduled).toEqual([]);
		// The streams set the alarm again, before the job is due.
		await expect.poll(() => alarmMs(client)).toBeLessThan(Date.now() + 12 * HOUR_MS);
		testState.skewMs = 23 * HOUR_MS + 1_000;
		await runAlarm(client);
		expect(testState.scheduled).toEqual([['later', { for: 'later' }]]);
		expect((await client.request('ping')).status).toBe(200);
	});

	it('is retried after a failure without delaying other jobs, and dropped after 8 failures', async () => {
		const client = await Client.open();
		let failures = 0;
		testState.onSchedule = (name) => {
			if (name !== 'bad') return;
			failures += 1;
			throw new Error('cannot');
		};
		await schedule(client, 'bad', Date.now());
		await schedule(client, 'good', Date.now());
		await expect.poll(() => failures).toBeGreaterThan(0);
		for (let attempt = 0; attempt < 12; attempt++) {
			testState.skewMs += 2 * HOUR_MS;
			await client.request('ping');
			await runAlarm(client);
		}
		expect(failures).toBe(8);
		expect(testState.scheduled).toEqual([['good', { for: 'good' }]]);
		expect(testState.errors.at(-1)).toMatch(
			/the job "bad" failed 8 times and is not retried again/,
		);
	});

	it('does not run if it is cancelled or moved while another job runs', async () => {
		const client = await Client.open();
		const startMs = Date.now() + HOUR_MS;
		for (const [index, name] of ['first', 'cancelled', 'moved'].entries()) {
			await schedule(client, name, startMs + index);
		}
		const begun = Promise.withResolvers<void>();
		const gate = Promise.withResolvers<void>();
		testState.onSchedule = (name) => {
			if (name !== 'first') return undefined;
			begun.resolve();
			return gate.promise;
		};
		testState.skewMs = HOUR_MS + 1_000;
		const running = runAlarm(client);
		await begun.promise;
		await inSession(client, (session) => {
			expect(session.unschedule('cancelled')).toBe(true);
			session.schedule('moved', startMs + HOUR_MS);
		});
		gate.resolve();
		await running;
		expect(testState.scheduled).toEqual([['first', { for: 'first' }]]);
		expect(await alarmMs(client)).toBe(startMs + HOUR_MS);
	});

	it('is retried later if it terminates its object, and does not delay other jobs', async () => {
		const client = await Client.open();
		await schedule(client, 'fatal', Date.now() + HOUR_MS);
		await schedule(client, 'good', Date.now() + HOUR_MS + 1);
		testState.onSchedule = (name, state) => {
			if (name === 'fatal') state.abort('terminated by a test');
		};
		testState.skewMs = HOUR_MS + 1_000;
		await runAlarm(client).catch(() => {});
		// The platform retries the alarm, and a request starts the object again.
		await client.request('ping');
		await runAlarm(client);
		expect(testState.scheduled).toEqual([['good', { for: 'good' }]]);
		expect(await alarmMs(client)).toBeGreaterThan(0);
	});

	it('is abandoned if it never settles, and does not delay other jobs', async () => {
		const client = await Client.open();
		await schedule(client, 'endless', Date.now() + HOUR_MS);
		await schedule(client, 'good', Date.now() + HOUR_MS + 1);
		const begun = Promise.withResolvers<void>();
		testState.onSchedule = (name) => {
			if (name !== 'endless') return undefined;
			begun.resolve();
			return new Promise(() => {});
		};
		testState.skewMs = HOUR_MS + 1_000;
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
		onTestFinished(() => void vi.useRealTimers());
		const running = runAlarm(client);
		await begun.promise;
		await vi.advanceTimersByTimeAsync(5 * 60_000);
		await running;
		expect(testState.scheduled).toEqual([['good', { for: 'good' }]]);
		expect(testState.errors).toEqual([
			expect.stringMatching(
				/the job "endless" took longer than 300 s.+set a timeout for what it waits for/,
			),
		]);
	});

	it.each([
		['its client has ended', 0, async (client: Client) => void (await client.send('DELETE'))],
		['has expired while the bucket is down', DAY_MS + 1_000, async () => {}],
	])(
		'does not re-arm the alarm at once if it is overdue in a session that %s',
		async (_case, endMs, end) => {
			const bucket = { put: () => Promise.reject(new Error('bucket is down')) };
			// Safe because only `put` is called.
			testState.settings = { bucket: bucket as unknown as R2Bucket };
			const client = await Client.open();
			await schedule(client, 'overdue', Date.now() + endMs + 5_000);
			await end(client);
			testState.skewMs = endMs;
			await runAlarm(client);
			testState.skewMs += 6_000;
			await runAlarm(client);
			expect(await alarmMs(client)).toBeGreaterThan(Date.now() + testState.skewMs);
			expect(testState.scheduled).toEqual([]);
		},
	);

	it('is rejected if its time is not a number or its name is too long', async () => {
		const client = await Client.open();
		await expect(schedule(client, 'x', Number.NaN)).rejects.toThrow(
			/milliseconds since the epoch; got NaN/,
		);
		await expect(schedule(client, 'x'.repeat(300), 1)).rejects.toThrow(
			/a name of 1 to 256 characters/,
		);
	});
});
