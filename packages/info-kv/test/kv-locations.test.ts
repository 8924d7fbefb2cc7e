import {
	createCountedKV,
	createLocationKV,
	ManualClock,
	OperationCounter,
	openSession,
} from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';
import { KVSessionStore } from '../src/kv-session-store.ts';
import { namespace } from './bindings.ts';

const SECOND_MS = 1_000;

describe('two locations of KV', () => {
	function setUp(): { here: KVSessionStore; there: KVSessionStore; clock: ManualClock } {
		const clock = new ManualClock();
		const at = (): KVSessionStore =>
			new KVSessionStore(createLocationKV(namespace, clock.now), { now: clock.now });
		return { here: at(), there: at(), clock };
	}

	it('end a session everywhere within a minute, and do not revive it meanwhile', async () => {
		const { here, there, clock } = setUp();
		const { id, record } = openSession();
		await here.create(id, record);
		expect(await there.read(id)).toEqual(record);
		clock.advance(5 * SECOND_MS);
		await here.delete(id);
		expect(await here.read(id)).toBeUndefined();
		expect(await there.read(id)).toEqual(record); // KV is stale here.
		expect(await there.update(id, { logLevel: 'error' })).toBe(false);
		clock.advance(60 * SECOND_MS);
		expect(await there.read(id)).toBeUndefined();
		expect(await here.read(id)).toBeUndefined();
	});

	/** Ends a session here while another location still reads it, and does not see the end. */
	async function endWhileCached(secondsLater: number): Promise<{
		here: KVSessionStore;
		there: KVSessionStore;
		clock: ManualClock;
		id: string;
		endedAtMs: number;
	}> {
		const { here, there, clock } = setUp();
		const { id, record } = openSession();
		await here.create(id, record);
		// A write there caches that there is no end.
		expect(await there.update(id, { logLevel: 'info' })).toBe(true);
		expect(await there.read(id)).toBeDefined();
		await here.delete(id, record.expiresAtMs);
		const endedAtMs = clock.now();
		clock.advance(secondsLater * SECOND_MS);
		return { here, there, clock, id, endedAtMs };
	}

	it.each([0, 1, 30, 59.999])(
		'refuse an ended session 120 seconds after its end, although it was written %d s after the end',
		async (secondsLater) => {
			const { here, there, clock, id, endedAtMs } = await endWhileCached(secondsLater);
			expect(await there.update(id, { logLevel: 'debug' })).toBe(true);
			const third = new KVSessionStore(createLocationKV(namespace, clock.now), { now: clock.now });
			for (const each of [here, third]) await each.read(id);
			for (const seconds of [120, 121, 180, 600, 3_000]) {
				clock.advance(endedAtMs + seconds * SECOND_MS - clock.now());
				for (const each of [here, there, third]) expect(await each.read(id)).toBeUndefined();
				expect(await there.update(id, { logLevel: 'error' })).toBe(false);
			}
		},
	);

	it('refuse an ended session that is in use all the time after 120 seconds', async () => {
		const { here, there, clock, id, endedAtMs } = await endWhileCached(59.999);
		await there.update(id, { logLevel: 'debug' });
		for (; clock.now() < endedAtMs + 3_000 * SECOND_MS; clock.advance(SECOND_MS)) {
			const isRefused = clock.now() >= endedAtMs + 120 * SECOND_MS;
			for (const each of isRefused ? [here, there] : []) {
				expect(await each.read(id)).toBeUndefined();
			}
			if (!isRefused) await Promise.all([here.read(id), there.read(id)]);
		}
	});

	it('read one key for a call, and one more at most twice after a write', async () => {
		const { clock } = setUp();
		const counter = new OperationCounter();
		const kv = createLocationKV(createCountedKV(namespace, counter), clock.now);
		const store = new KVSessionStore(kv, { now: clock.now });
		const { id, record } = openSession();
		await store.create(id, { ...record, expiresAtMs: clock.now() + 86_400_000 });
		await store.update(id, { logLevel: 'info' });
		counter.take();
		let reads = 0;
		for (let minute = 0; minute < 60; minute++) {
			expect(await store.read(id)).toBeDefined();
			reads++;
			clock.advance(61 * SECOND_MS);
		}
		expect(counter.take().reads - reads).toBeLessThanOrEqual(2);
	});

	it('see a new session at once unless they have cached its absence', async () => {
		const { here, there, clock } = setUp();
		const { id, record } = openSession();
		const other = openSession();
		expect(await there.read(other.id)).toBeUndefined();
		await here.create(id, record);
		await here.create(other.id, other.record);
		expect(await there.read(id)).toEqual(record);
		expect(await there.read(other.id)).toBeUndefined();
		clock.advance(60 * SECOND_MS);
		expect(await there.read(other.id)).toEqual(other.record);
	});
});
