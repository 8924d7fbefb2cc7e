import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { DurableObjectSessionStore } from '../src/index.ts';
import { objectName, OBJECTS_PER_SHARD, locationOfSession } from '../src/placement.ts';
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
import { contentsOf, contentsOfAll, objectOfSession, runAlarms, stubOf } from './shards.ts';

const BATCH_SIZE = 100;

useManualDate();

describe('1,000 sessions with 2 subscriptions each', () => {
	/** Opens sessions that expire in an hour, with subscriptions for the longest lifetime. */
	async function openAll(store: DurableObjectSessionStore): Promise<string[]> {
		const sessions = ids(1_000);
		for (let start = 0; start < sessions.length; start += 50) {
			await Promise.all(
				sessions.slice(start, start + 50).map(async (id, index) => {
					await store.create(id, expiringAfter(HOUR_MS));
					await store.subscribe(id, 'test://everybody', Date.now() + 30 * DAY_MS);
					await store.subscribe(id, `test://${index}`, Date.now() + 30 * DAY_MS);
				}),
			);
		}
		return sessions;
	}

	it('leave no rows, tables, alarms or bytes after they have expired', async () => {
		const store = newStore();
		await openAll(store);
		const held = await contentsOfAll();
		const sum = (field: 'sessions' | 'subscribers' | 'bytes'): number =>
			held.reduce((total, contents) => total + contents[field], 0);
		expect([sum('sessions'), sum('subscribers')]).toEqual([1_000, 2_000]);
		expect(sum('bytes')).toBeGreaterThan(OBJECTS_PER_SHARD * EMPTY.bytes + 500_000);
		console.log(`1,000 sessions with 2 subscriptions each: ${sum('bytes')} bytes`);

		advance(HOUR_MS + MINUTE_MS);
		expect((await store.subscribers('test://everybody')).length).toBe(1_000);
		await runAlarms();
		expect((await store.subscribers('test://everybody')).length).toBe(0);
		// An object whose last subscription another one removed is emptied within a minute.
		advance(MINUTE_MS);
		await runAlarms();
		expect(await contentsOfAll()).toEqual(Array.from({ length: OBJECTS_PER_SHARD }, () => EMPTY));
	}, 60_000);

	it('are removed in batches, one per alarm', async () => {
		const store = newStore();
		const sessions = ids(8_000).filter((id) => locationOfSession(id).name === objectName(0));
		for (const id of sessions.slice(0, 250)) {
			await store.create(id, expiringAfter(HOUR_MS));
			await store.subscribe(id, 'test://everybody', Date.now() + 30 * DAY_MS);
		}
		advance(HOUR_MS + MINUTE_MS);
		for (let removed = BATCH_SIZE; removed <= 200; removed += BATCH_SIZE) {
			expect(await runDurableObjectAlarm(stubOf(0))).toBe(true);
			const { sessions: left, alarmMs } = await contentsOf(stubOf(0));
			expect(left).toBe(250 - removed);
			expect(alarmMs).toBe(Date.now());
		}
		const runs = await runAlarms();
		expect(runs[0]).toBe(1);
		expect(await store.subscribers('test://everybody')).toEqual([]);
	}, 60_000);

	it('stay, with their subscriptions, if they were used in time', async () => {
		const store = newStore();
		const sessions = await openAll(store);
		advance(HOUR_MS / 2);
		const used = sessions.slice(0, 10);
		for (const id of used) await store.update(id, { expiresAtMs: Date.now() + HOUR_MS });
		advance(HOUR_MS / 2 + MINUTE_MS);
		await runAlarms();
		expect((await store.subscribers('test://everybody')).toSorted()).toEqual(used.toSorted());
		for (const id of used) expect(await store.read(id)).toBeDefined();
		const left = (await contentsOfAll()).reduce((total, { sessions }) => total + sessions, 0);
		expect(left).toBe(10);
	}, 60_000);
});

describe('an object that was emptied', () => {
	it('creates its tables again in the same instance', async () => {
		const store = newStore();
		const [first = '', second = ''] = ids(2);
		const instances = new Set<object>();
		const home = objectOfSession(first);
		await store.create(first, expiringAfter(HOUR_MS));
		await runInDurableObject(home, (object) => void instances.add(object));
		advance(HOUR_MS + MINUTE_MS);
		expect(await runDurableObjectAlarm(home)).toBe(true);
		expect(await contentsOf(home)).toEqual(EMPTY);

		expect(await store.read(first)).toBeUndefined();
		expect(await store.update(first, { logLevel: 'info' })).toBe(false);
		expect(await contentsOf(home)).toEqual(EMPTY);

		await home.create(second, JSON.stringify(expiringAfter(HOUR_MS)), Date.now() + HOUR_MS);
		await runInDurableObject(home, (object) => void instances.add(object));
		expect(instances.size).toBe(1);
		expect(await home.read(second)).toContain('createdAtMs');
		const { sessions, alarmMs } = await contentsOf(home);
		expect(sessions).toBe(1);
		expect(alarmMs).toBeGreaterThanOrEqual(Date.now() + HOUR_MS);
	});

	it('loses no session that is opened at the same time', async () => {
		const home = stubOf(0);
		for (let round = 0; round < 50; round++) {
			const [id = ''] = ids(1);
			advance(2 * HOUR_MS);
			const alarm = runDurableObjectAlarm(home);
			const creating = home.create(id, 'the record', Date.now() + HOUR_MS);
			await Promise.all([alarm, creating]);
			expect(await home.read(id)).toBe('the record');
			expect((await contentsOf(home)).alarmMs).not.toBeNull();
		}
	});

	it('sets an alarm for the next row after concurrent writes', async () => {
		// workerd's timers do not advance while it is busy. Without this pause, the 30 s limit of
		// `blockConcurrencyWhile` would start at the last idle time of this file.
		await scheduler.wait(1);
		const [home, other] = [stubOf(0), stubOf(1)];
		const untilMs = Date.now() + DAY_MS;
		await home.create('a', '{}', Date.now() + HOUR_MS);
		await home.addSubscribedShard('a', 1, untilMs, Date.now());
		advance(HOUR_MS + MINUTE_MS);
		// The alarm waits for the other object, which is blocked until `answer` resolves.
		const answer = Promise.withResolvers<void>();
		const blocking = runInDurableObject(other, (_object, state) =>
			state.blockConcurrencyWhile(() => answer.promise),
		);
		const alarm = runDurableObjectAlarm(home);
		await expect.poll(async () => (await contentsOf(home)).alarmMs).toBeNull();
		await home.addSubscriber('hash', 'b', untilMs);
		await home.removeSubscriber('hash', 'b');
		answer.resolve();
		await Promise.all([blocking, alarm]);
		expect(await contentsOf(home)).toEqual(EMPTY);

		await home.create('c', '{}', untilMs);
		expect((await contentsOf(home)).alarmMs).toBeGreaterThanOrEqual(untilMs);
	});

	it('is not written to by reads, or by the removal of unknown rows', async () => {
		const home = stubOf(0);
		await home.read('never');
		await home.subscribers('never', 0);
		await home.update('never', {}, 0);
		await home.removeSubscriber('never', 'never');
		await home.removeSubscribers(['never']);
		expect(await contentsOf(home)).toEqual(EMPTY);
	});
});
