import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { DurableObjectSessionStore, SessionShard } from '../src/index.ts';
import { OBJECTS_PER_SHARD } from '../src/placement.ts';
import {
	advance,
	DAY_MS,
	HOUR_MS,
	ids,
	expiringAfter,
	MINUTE_MS,
	newStore,
	EMPTY,
	useManualDate,
} from './expiring.ts';
import {
	evictAll,
	contentsOf,
	contentsOfAll,
	objectOfSession,
	namespace,
	runAlarms,
	stubOf,
} from './shards.ts';

useManualDate();

describe('the alarm', () => {
	/** Returns how often `run` sets the alarm of an object. */
	async function countSetAlarms(shard: number, run: () => Promise<unknown>): Promise<number> {
		let sets = 0;
		await runInDurableObject(stubOf(shard), (_object, { storage }) => {
			const setAlarm = storage.setAlarm.bind(storage);
			storage.setAlarm = (...args) => {
				sets++;
				return setAlarm(...args);
			};
		});
		await run();
		return sets;
	}

	it('is set once for many sessions, and again for one that expires earlier', async () => {
		const home = stubOf(0);
		const sets = await countSetAlarms(0, async () => {
			for (const id of ids(20)) {
				await home.create(id, JSON.stringify(expiringAfter(HOUR_MS)), Date.now() + HOUR_MS);
				await home.update(id, { expiresAtMs: Date.now() + 2 * HOUR_MS }, Date.now());
				await home.update(id, { logLevel: 'info' }, Date.now());
				await home.addSubscriber('hash', id, Date.now() + DAY_MS);
				await home.addSubscribedShard(id, 1, Date.now() + DAY_MS, Date.now());
				advance(1_000);
			}
		});
		expect(sets).toBe(1);
		expect(await countSetAlarms(0, () => home.create('early', '', Date.now() + 1))).toBe(1);
	});

	it('is not set again by a new instance', async () => {
		const home = stubOf(0);
		await home.create('a', '', Date.now() + HOUR_MS);
		await evictAll();
		const creating = (): Promise<void> => home.create('b', '', Date.now() + 2 * HOUR_MS);
		expect(await countSetAlarms(0, creating)).toBe(0);
	});

	it('is due on the full minute, at most a minute after the first session expired', async () => {
		const home = stubOf(0);
		const endMs = Date.now() + HOUR_MS;
		await home.create('a', '', endMs);
		const { alarmMs } = await contentsOf(home);
		expect((alarmMs ?? 0) % MINUTE_MS).toBe(0);
		expect(alarmMs).toBeGreaterThanOrEqual(endMs);
		expect(alarmMs).toBeLessThan(endMs + MINUTE_MS);
	});

	it('does not remove an extended session, and runs again when that expires', async () => {
		const store = newStore();
		const [id = ''] = ids(1);
		const record = expiringAfter(HOUR_MS);
		await store.create(id, record);
		await store.update(id, { expiresAtMs: record.expiresAtMs + HOUR_MS });
		advance(HOUR_MS + MINUTE_MS);
		expect(await runDurableObjectAlarm(objectOfSession(id))).toBe(true);
		expect(await store.read(id)).toBeDefined();
		const { alarmMs } = await contentsOf(objectOfSession(id));
		expect(alarmMs).toBeGreaterThanOrEqual(record.expiresAtMs + HOUR_MS);
		advance(HOUR_MS);
		await runAlarms();
		expect(await contentsOf(objectOfSession(id))).toEqual(EMPTY);
	});

	it('keeps the tombstone of an ended session until the session would have expired', async () => {
		const store = newStore();
		const [id = '', other = ''] = ids(2);
		await store.create(id, expiringAfter(HOUR_MS));
		await store.delete(id);
		await objectOfSession(id).create(other, '', Date.now() + MINUTE_MS);
		advance(HOUR_MS - MINUTE_MS);
		await runAlarms();
		expect((await contentsOf(objectOfSession(id))).sessions).toBe(1);
		expect(await store.update(id, { logLevel: 'info' })).toBe(false);
		advance(2 * MINUTE_MS);
		await runAlarms();
		expect(await contentsOf(objectOfSession(id))).toEqual(EMPTY);
	});

	it('does not remove a session that a Worker with a slow clock extends during the removal', async () => {
		const store = newStore();
		const [id = ''] = ids(1);
		await store.create(id, expiringAfter(HOUR_MS));
		await objectOfSession(id).addSubscribedShard(id, 50, Date.now() + DAY_MS, Date.now());
		advance(HOUR_MS + MINUTE_MS);
		const behind = new DurableObjectSessionStore(namespace, {
			now: () => Date.now() - 2 * MINUTE_MS,
		});
		const removal = vi
			.spyOn(SessionShard.prototype, 'removeSubscribers')
			.mockImplementation(async () => {
				expect(await behind.update(id, { expiresAtMs: Date.now() + HOUR_MS })).toBe(true);
			});
		expect(await runDurableObjectAlarm(objectOfSession(id))).toBe(true);
		expect(removal).toHaveBeenCalledOnce();
		expect(await store.read(id)).toBeDefined();
		const { alarmMs } = await contentsOf(objectOfSession(id));
		expect(alarmMs).toBeGreaterThanOrEqual(Date.now() + HOUR_MS);
	});

	it('removes expired subscriptions of sessions without a record', async () => {
		const store = newStore();
		for (const id of ids(20)) await store.subscribe(id, 'test://a', Date.now() + HOUR_MS);
		expect((await store.subscribers('test://a')).length).toBe(20);
		advance(HOUR_MS);
		expect(await store.subscribers('test://a')).toEqual([]);
		advance(MINUTE_MS);
		await runAlarms();
		expect(await contentsOfAll()).toEqual(Array.from({ length: OBJECTS_PER_SHARD }, () => EMPTY));
	});

	it('removes expired claims, a batch at a time, and no others', async () => {
		const home = stubOf(0);
		for (const id of ids(150)) await home.claim(id, 'first', Date.now() + HOUR_MS);
		await home.claim('later', 'first', Date.now() + 2 * HOUR_MS);
		const left: number[] = [];
		advance(HOUR_MS + MINUTE_MS);
		for (let run = 0; run < 2; run++) {
			await runDurableObjectAlarm(home);
			left.push((await contentsOf(home)).claims);
		}
		expect(left).toEqual([51, 1]);
		expect(await home.claim('later', 'other', Date.now() + HOUR_MS)).toBe(false);
		advance(HOUR_MS);
		await runDurableObjectAlarm(home);
		expect(await contentsOf(home)).toEqual(EMPTY);
	});

	it('removes expired subscriptions, a batch at a time', async () => {
		const home = stubOf(0);
		for (const id of ids(250)) await home.addSubscriber('hash', id, Date.now() + HOUR_MS);
		advance(HOUR_MS + MINUTE_MS);
		const left: number[] = [];
		while (await runDurableObjectAlarm(home)) left.push((await contentsOf(home)).subscribers);
		expect(left).toEqual([150, 50, 0]);
		expect(await contentsOf(home)).toEqual(EMPTY);
	});

	it('reports an object that fails, and still removes the sessions', async () => {
		const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
		const broken = 50; // An object that no other test uses.
		const untilMs = Date.now() + DAY_MS;
		await stubOf(broken).addSubscriber('hash', 'a', untilMs);
		await runInDurableObject(stubOf(broken), (_object, { storage }) => {
			storage.sql.exec('DROP TABLE subscribers');
		});
		const home = stubOf(0);
		await home.create('a', '{}', Date.now() + HOUR_MS);
		await home.addSubscribedShard('a', broken, untilMs, Date.now());
		await home.addSubscribedShard('a', 1, untilMs, Date.now());
		await stubOf(1).addSubscriber('hash', 'a', untilMs);
		advance(HOUR_MS + MINUTE_MS);
		expect(await runDurableObjectAlarm(home)).toBe(true);
		expect(await contentsOf(home)).toEqual(EMPTY);
		expect((await contentsOf(stubOf(1))).subscribers).toBe(0);
		expect(reported.mock.calls.map(String)).toEqual([
			'StoreError: [tmcp-sessions/info-durable-object] ending the subscriptions of expired ' +
				'sessions failed: no such table: subscribers: SQLITE_ERROR',
		]);
	});
});
