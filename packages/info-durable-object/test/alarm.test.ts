import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { DurableObjectSessionStore, SessionShard } from '../src/index.ts';
import { OBJECTS } from '../src/placement.ts';
import {
	advance,
	DAY_MS,
	HOUR_MS,
	ids,
	livingFor,
	MINUTE_MS,
	newStore,
	NOTHING,
	withDateOfOurs,
} from './expiring.ts';
import {
	evictAll,
	holdingsOf,
	holdingsOfAll,
	homeOf,
	namespace,
	runAlarms,
	stubOf,
} from './shards.ts';

withDateOfOurs();

describe('the alarm', () => {
	/** How often `work` set the alarm of an object. */
	async function alarmsSetBy(shard: number, work: () => Promise<unknown>): Promise<number> {
		let sets = 0;
		await runInDurableObject(stubOf(shard), (_object, { storage }) => {
			const setAlarm = storage.setAlarm.bind(storage);
			storage.setAlarm = (...args) => {
				sets++;
				return setAlarm(...args);
			};
		});
		await work();
		return sets;
	}

	it('is set once for many sessions that end later, and again for one that ends earlier', async () => {
		const home = stubOf(0);
		const sets = await alarmsSetBy(0, async () => {
			for (const id of ids(20)) {
				await home.create(id, JSON.stringify(livingFor(HOUR_MS)), Date.now() + HOUR_MS);
				await home.update(id, { expiresAtMs: Date.now() + 2 * HOUR_MS }, Date.now());
				await home.update(id, { logLevel: 'info' }, Date.now());
				await home.addSubscriber('hash', id, Date.now() + DAY_MS);
				await home.noteSubscription(id, 1, Date.now() + DAY_MS, Date.now());
				advance(1_000);
			}
		});
		expect(sets).toBe(1);
		expect(await alarmsSetBy(0, () => home.create('early', '', Date.now() + 1))).toBe(1);
	});

	it('is not set again by an instance that finds one', async () => {
		const home = stubOf(0);
		await home.create('a', '', Date.now() + HOUR_MS);
		await evictAll();
		const creating = (): Promise<void> => home.create('b', '', Date.now() + 2 * HOUR_MS);
		expect(await alarmsSetBy(0, creating)).toBe(0);
	});

	it('goes off on the full minute, at most a minute after the first session ended', async () => {
		const home = stubOf(0);
		const endMs = Date.now() + HOUR_MS;
		await home.create('a', '', endMs);
		const { alarmMs } = await holdingsOf(home);
		expect((alarmMs ?? 0) % MINUTE_MS).toBe(0);
		expect(alarmMs).toBeGreaterThanOrEqual(endMs);
		expect(alarmMs).toBeLessThan(endMs + MINUTE_MS);
	});

	it('removes nothing too early, and comes back for what was used meanwhile', async () => {
		const store = newStore();
		const [id = ''] = ids(1);
		const record = livingFor(HOUR_MS);
		await store.create(id, record);
		await store.update(id, { expiresAtMs: record.expiresAtMs + HOUR_MS });
		advance(HOUR_MS + MINUTE_MS);
		expect(await runDurableObjectAlarm(homeOf(id))).toBe(true);
		expect(await store.read(id)).toBeDefined();
		const { alarmMs } = await holdingsOf(homeOf(id));
		expect(alarmMs).toBeGreaterThanOrEqual(record.expiresAtMs + HOUR_MS);
		advance(HOUR_MS);
		await runAlarms();
		expect(await holdingsOf(homeOf(id))).toEqual(NOTHING);
	});

	it('keeps the tombstone of an ended session until the session would have expired', async () => {
		const store = newStore();
		const [id = '', other = ''] = ids(2);
		await store.create(id, livingFor(HOUR_MS));
		await store.delete(id);
		await homeOf(id).create(other, '', Date.now() + MINUTE_MS);
		advance(HOUR_MS - MINUTE_MS);
		await runAlarms();
		expect((await holdingsOf(homeOf(id))).sessions).toBe(1);
		expect(await store.update(id, { logLevel: 'info' })).toBe(false);
		advance(2 * MINUTE_MS);
		await runAlarms();
		expect(await holdingsOf(homeOf(id))).toEqual(NOTHING);
	});

	it('does not remove what is used while other shards are told, by a Worker whose clock is behind', async () => {
		const store = newStore();
		const [id = ''] = ids(1);
		await store.create(id, livingFor(HOUR_MS));
		await homeOf(id).noteSubscription(id, 50, Date.now() + DAY_MS, Date.now());
		advance(HOUR_MS + MINUTE_MS);
		const behind = new DurableObjectSessionStore(namespace, {
			now: () => Date.now() - 2 * MINUTE_MS,
		});
		const told = vi
			.spyOn(SessionShard.prototype, 'removeSubscribers')
			.mockImplementation(async () => {
				expect(await behind.update(id, { expiresAtMs: Date.now() + HOUR_MS })).toBe(true);
			});
		expect(await runDurableObjectAlarm(homeOf(id))).toBe(true);
		expect(told).toHaveBeenCalledOnce();
		expect(await store.read(id)).toBeDefined();
		const { alarmMs } = await holdingsOf(homeOf(id));
		expect(alarmMs).toBeGreaterThanOrEqual(Date.now() + HOUR_MS);
	});

	it('removes subscriptions of sessions without a record when their own time has come', async () => {
		const store = newStore();
		for (const id of ids(20)) await store.subscribe(id, 'test://a', Date.now() + HOUR_MS);
		expect((await store.subscribers('test://a')).length).toBe(20);
		advance(HOUR_MS);
		expect(await store.subscribers('test://a')).toEqual([]);
		advance(MINUTE_MS);
		await runAlarms();
		expect(await holdingsOfAll()).toEqual(Array.from({ length: OBJECTS }, () => NOTHING));
	});

	it('removes claims when their time has come, a batch at a time, and not a moment earlier', async () => {
		const home = stubOf(0);
		for (const id of ids(150)) await home.claim(id, 'first', Date.now() + HOUR_MS);
		await home.claim('later', 'first', Date.now() + 2 * HOUR_MS);
		const left: number[] = [];
		advance(HOUR_MS + MINUTE_MS);
		for (let run = 0; run < 2; run++) {
			await runDurableObjectAlarm(home);
			left.push((await holdingsOf(home)).claims);
		}
		expect(left).toEqual([51, 1]);
		expect(await home.claim('later', 'other', Date.now() + HOUR_MS)).toBe(false);
		advance(HOUR_MS);
		await runDurableObjectAlarm(home);
		expect(await holdingsOf(home)).toEqual(NOTHING);
	});

	it('removes more subscriptions than fit in a batch, a batch at a time', async () => {
		const home = stubOf(0);
		for (const id of ids(250)) await home.addSubscriber('hash', id, Date.now() + HOUR_MS);
		advance(HOUR_MS + MINUTE_MS);
		const left: number[] = [];
		while (await runDurableObjectAlarm(home)) left.push((await holdingsOf(home)).subscribers);
		expect(left).toEqual([150, 50, 0]);
		expect(await holdingsOf(home)).toEqual(NOTHING);
	});

	it('reports a shard that fails, and removes the sessions all the same', async () => {
		const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
		const broken = 50; // A shard that no other test uses.
		const untilMs = Date.now() + DAY_MS;
		await stubOf(broken).addSubscriber('hash', 'a', untilMs);
		await runInDurableObject(stubOf(broken), (_object, { storage }) => {
			storage.sql.exec('DROP TABLE subscribers');
		});
		const home = stubOf(0);
		await home.create('a', '{}', Date.now() + HOUR_MS);
		await home.noteSubscription('a', broken, untilMs, Date.now());
		await home.noteSubscription('a', 1, untilMs, Date.now());
		await stubOf(1).addSubscriber('hash', 'a', untilMs);
		advance(HOUR_MS + MINUTE_MS);
		expect(await runDurableObjectAlarm(home)).toBe(true);
		expect(await holdingsOf(home)).toEqual(NOTHING);
		expect((await holdingsOf(stubOf(1))).subscribers).toBe(0);
		expect(reported.mock.calls.map(String)).toEqual([
			'StoreError: [tmcp-sessions/info-durable-object] ending the subscriptions of expired ' +
				'sessions failed: no such table: subscribers: SQLITE_ERROR',
		]);
	});
});
