import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import { objectName, OBJECTS, placeOfSession } from '../src/placement.ts';
import {
	evictAll,
	holdingsOf,
	holdingsOfAll,
	homeOf,
	namespace,
	runAlarms,
	stubOf,
} from './shards.ts';

const HOUR_MS = 3_600_000;

const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;
const BATCH_SIZE = 100;

/** What an object that was never written to holds: SQLite's first page. */
const NOTHING = { sessions: 0, subscribers: 0, claims: 0, tables: 0, bytes: 4096, alarmMs: null };

// The alarm has no caller to tell it the time: it reads the clock of the platform.
beforeEach(async () => {
	await reset();
	vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
	vi.restoreAllMocks();
	vi.useRealTimers();
});

function advance(ms: number): void {
	vi.setSystemTime(Date.now() + ms);
}

function newStore(): DurableObjectSessionStore {
	return new DurableObjectSessionStore(namespace, { now: () => Date.now() });
}

function ids(count: number): string[] {
	return Array.from({ length: count }, () => crypto.randomUUID());
}

function livingFor(ms: number): { createdAtMs: number; expiresAtMs: number } {
	return { createdAtMs: Date.now(), expiresAtMs: Date.now() + ms };
}

describe('1,000 sessions with 2 subscriptions each', () => {
	/** Idle for an hour, subscribed for as long as they may live at most. */
	async function openAll(store: DurableObjectSessionStore): Promise<string[]> {
		const sessions = ids(1_000);
		for (let start = 0; start < sessions.length; start += 50) {
			await Promise.all(
				sessions.slice(start, start + 50).map(async (id, index) => {
					await store.create(id, livingFor(HOUR_MS));
					await store.subscribe(id, 'test://everybody', Date.now() + 30 * DAY_MS);
					await store.subscribe(id, `test://${index}`, Date.now() + 30 * DAY_MS);
				}),
			);
		}
		return sessions;
	}

	it('leave no rows, no tables, no alarm and no bytes when they have expired', async () => {
		const store = newStore();
		await openAll(store);
		const held = await holdingsOfAll();
		const sum = (field: 'sessions' | 'subscribers' | 'bytes'): number =>
			held.reduce((total, holdings) => total + holdings[field], 0);
		expect([sum('sessions'), sum('subscribers')]).toEqual([1_000, 2_000]);
		expect(sum('bytes')).toBeGreaterThan(OBJECTS * NOTHING.bytes + 500_000);
		console.log(`1,000 sessions with 2 subscriptions each: ${sum('bytes')} bytes`);

		advance(HOUR_MS + MINUTE_MS);
		expect((await store.subscribers('test://everybody')).length).toBe(1_000);
		await runAlarms();
		expect((await store.subscribers('test://everybody')).length).toBe(0);
		// One that was told by others of its last subscription comes back within a minute.
		advance(MINUTE_MS);
		await runAlarms();
		expect(await holdingsOfAll()).toEqual(Array.from({ length: OBJECTS }, () => NOTHING));
	}, 60_000);

	it('are removed in batches, each in a run of the alarm of its own', async () => {
		const store = newStore();
		const sessions = ids(8_000).filter((id) => placeOfSession(id).name === objectName(0));
		for (const id of sessions.slice(0, 250)) {
			await store.create(id, livingFor(HOUR_MS));
			await store.subscribe(id, 'test://everybody', Date.now() + 30 * DAY_MS);
		}
		advance(HOUR_MS + MINUTE_MS);
		for (let removed = BATCH_SIZE; removed <= 200; removed += BATCH_SIZE) {
			expect(await runDurableObjectAlarm(stubOf(0))).toBe(true);
			const { sessions: left, alarmMs } = await holdingsOf(stubOf(0));
			expect(left).toBe(250 - removed);
			expect(alarmMs).toBe(Date.now());
		}
		const runs = await runAlarms();
		expect(runs[0]).toBe(1);
		expect(await store.subscribers('test://everybody')).toEqual([]);
	}, 60_000);

	it('stay, with their subscriptions, where they were used in time', async () => {
		const store = newStore();
		const sessions = await openAll(store);
		advance(HOUR_MS / 2);
		const used = sessions.slice(0, 10);
		for (const id of used) await store.update(id, { expiresAtMs: Date.now() + HOUR_MS });
		advance(HOUR_MS / 2 + MINUTE_MS);
		await runAlarms();
		expect((await store.subscribers('test://everybody')).toSorted()).toEqual(used.toSorted());
		for (const id of used) expect(await store.read(id)).toBeDefined();
		const kept = (await holdingsOfAll()).reduce((total, { sessions }) => total + sessions, 0);
		expect(kept).toBe(10);
	}, 60_000);
});

describe('an object that was emptied', () => {
	it('works on in the same instance, with tables made anew', async () => {
		const store = newStore();
		const [first = '', second = ''] = ids(2);
		const instances = new Set<object>();
		const home = homeOf(first);
		await store.create(first, livingFor(HOUR_MS));
		await runInDurableObject(home, (object) => void instances.add(object));
		advance(HOUR_MS + MINUTE_MS);
		expect(await runDurableObjectAlarm(home)).toBe(true);
		expect(await holdingsOf(home)).toEqual(NOTHING);

		expect(await store.read(first)).toBeUndefined();
		expect(await store.update(first, { logLevel: 'info' })).toBe(false);
		await store.delete(first);
		expect(await holdingsOf(home)).toEqual(NOTHING);

		await home.create(second, JSON.stringify(livingFor(HOUR_MS)), Date.now() + HOUR_MS);
		await runInDurableObject(home, (object) => void instances.add(object));
		expect(instances.size).toBe(1);
		expect(await home.read(second)).toContain('createdAtMs');
		const { sessions, alarmMs } = await holdingsOf(home);
		expect(sessions).toBe(1);
		expect(alarmMs).toBeGreaterThanOrEqual(Date.now() + HOUR_MS);
	});

	it('loses no session that is opened at the very moment', async () => {
		const home = stubOf(0);
		for (let round = 0; round < 50; round++) {
			const [id = ''] = ids(1);
			advance(2 * HOUR_MS);
			const alarm = runDurableObjectAlarm(home);
			const creating = home.create(id, 'the record', Date.now() + HOUR_MS);
			await Promise.all([alarm, creating]);
			expect(await home.read(id)).toBe('the record');
			expect((await holdingsOf(home)).alarmMs).not.toBeNull();
		}
	});

	it('has an alarm for what comes next, whatever came and went while it was emptied', async () => {
		const [home, other] = [stubOf(0), stubOf(1)];
		const untilMs = Date.now() + DAY_MS;
		await home.create('a', '{}', Date.now() + HOUR_MS);
		await home.noteSubscription('a', 1, untilMs, Date.now());
		advance(HOUR_MS + MINUTE_MS);
		// The alarm waits for the other shard, which answers nobody until we say so.
		const answer = Promise.withResolvers<void>();
		const blocking = runInDurableObject(other, (_object, state) =>
			state.blockConcurrencyWhile(() => answer.promise),
		);
		const alarm = runDurableObjectAlarm(home);
		await expect.poll(async () => (await holdingsOf(home)).alarmMs).toBeNull();
		await home.addSubscriber('hash', 'b', untilMs);
		await home.removeSubscriber('hash', 'b');
		answer.resolve();
		await Promise.all([blocking, alarm]);
		expect(await holdingsOf(home)).toEqual(NOTHING);

		await home.create('c', '{}', untilMs);
		expect((await holdingsOf(home)).alarmMs).toBeGreaterThanOrEqual(untilMs);
	});

	it('that is only read from, or told of the end of what it never knew, is never written to', async () => {
		const home = stubOf(0);
		await home.read('never');
		await home.subscribers('never', 0);
		await home.update('never', {}, 0);
		await home.end('never');
		await home.removeSubscriber('never', 'never');
		await home.removeSubscribers(['never']);
		expect(await holdingsOf(home)).toEqual(NOTHING);
	});
});

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
