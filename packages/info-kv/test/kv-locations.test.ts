import { createLocationKV, ManualClock, openSession } from '@tmcp-sessions/testkit';
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
