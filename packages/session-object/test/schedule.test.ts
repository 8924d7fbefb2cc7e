import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { alarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

async function schedule(client: Client, name: string, atMs: number): Promise<void> {
	await inSession(client, (session) => session.schedule(name, atMs, { for: name }));
}

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
		await inSession(client, (session) => {
			expect(session.unschedule('two')).toBe(true);
			expect(session.unschedule('two')).toBe(false);
		});
		await evictDurableObject(objectOf(client));
		world.skewMs = 2 * HOUR_MS;
		await alarm(client);
		expect(world.scheduled).toEqual([]);
		world.skewMs = 3 * HOUR_MS + 1_000;
		await alarm(client);
		expect(world.scheduled).toEqual([['one', { for: 'one' }]]);
	});

	it('shares the alarm with the streams and the end of the session, whoever comes first', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await client.call('announce');
		await client.call('announce');
		await stream.until('list_changed', 2);
		const streamsMs = await alarmMs(client);
		// What the streams keep is let go of within the hour; this comes later, and does not move it.
		await schedule(client, 'later', Date.now() + 23 * HOUR_MS);
		expect(await alarmMs(client)).toBe(streamsMs);
		expect(streamsMs).toBeLessThan(Date.now() + HOUR_MS);
		await evictDurableObject(objectOf(client));
		world.skewMs = 2 * HOUR_MS;
		await alarm(client);
		expect(world.scheduled).toEqual([]);
		// The streams set theirs again, before what is scheduled.
		await expect.poll(() => alarmMs(client)).toBeLessThan(Date.now() + 12 * HOUR_MS);
		world.skewMs = 23 * HOUR_MS + 1_000;
		await alarm(client);
		expect(world.scheduled).toEqual([['later', { for: 'later' }]]);
		expect((await client.ask('ping')).status).toBe(200);
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
		expect(world.errors.at(-1)).toMatch(/the job "bad" failed 8 times and is not retried again/);
	});

	it('and cancels or moves while something else is done is not done then', async () => {
		const client = await Client.open();
		const startMs = Date.now() + HOUR_MS;
		for (const [index, name] of ['first', 'cancelled', 'moved'].entries()) {
			await schedule(client, name, startMs + index);
		}
		const begun = Promise.withResolvers<void>();
		const gate = Promise.withResolvers<void>();
		world.onSchedule = (name) => {
			if (name !== 'first') return undefined;
			begun.resolve();
			return gate.promise;
		};
		world.skewMs = HOUR_MS + 1_000;
		const running = alarm(client);
		await begun.promise;
		await inSession(client, (session) => {
			expect(session.unschedule('cancelled')).toBe(true);
			session.schedule('moved', startMs + HOUR_MS);
		});
		gate.resolve();
		await running;
		expect(world.scheduled).toEqual([['first', { for: 'first' }]]);
		expect(await alarmMs(client)).toBe(startMs + HOUR_MS);
	});

	it('and takes its object down is tried later, and holds up nothing else', async () => {
		const client = await Client.open();
		await schedule(client, 'fatal', Date.now() + HOUR_MS);
		await schedule(client, 'good', Date.now() + HOUR_MS + 1);
		world.onSchedule = (name, state) => {
			if (name === 'fatal') state.abort('taken down by a test');
		};
		world.skewMs = HOUR_MS + 1_000;
		await alarm(client).catch(() => {});
		// The platform tries it again; so does whoever comes.
		await client.ask('ping');
		await alarm(client);
		expect(world.scheduled).toEqual([['good', { for: 'good' }]]);
		expect(await alarmMs(client)).toBeGreaterThan(0);
	});

	it('and never comes to an end is given up, and holds up nothing else', async () => {
		const client = await Client.open();
		await schedule(client, 'endless', Date.now() + HOUR_MS);
		await schedule(client, 'good', Date.now() + HOUR_MS + 1);
		const begun = Promise.withResolvers<void>();
		world.onSchedule = (name) => {
			if (name !== 'endless') return undefined;
			begun.resolve();
			return new Promise(() => {});
		};
		world.skewMs = HOUR_MS + 1_000;
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
		onTestFinished(() => void vi.useRealTimers());
		const running = alarm(client);
		await begun.promise;
		await vi.advanceTimersByTimeAsync(5 * 60_000);
		await running;
		expect(world.scheduled).toEqual([['good', { for: 'good' }]]);
		expect(world.errors).toEqual([
			expect.stringMatching(
				/the job "endless" took longer than 300 s.+set a timeout for what it waits for/,
			),
		]);
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
			/milliseconds since the epoch; got NaN/,
		);
		await expect(schedule(client, 'x'.repeat(300), 1)).rejects.toThrow(
			/a name of 1 to 256 characters/,
		);
	});
});
