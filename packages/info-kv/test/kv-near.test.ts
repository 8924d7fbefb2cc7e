import { InMemorySessionStore } from '@tmcp-sessions/core';
import type { StoredSession } from '@tmcp-sessions/core';
import { CachedSessionStore } from '@tmcp-sessions/core/internal';
import {
	createLocationKV,
	createSteppedStore,
	ManualClock,
	testSessionStore,
	openSession,
} from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';
import { KVSessionStore } from '../src/kv-session-store.ts';
import { namespace } from './bindings.ts';

const SECOND_MS = 1_000;

/** A strongly consistent backend that all locations share. */
class FarStore extends InMemorySessionStore {
	override readonly capabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: 1024,
	} as const;
}

testSessionStore(
	'cachedInfo with KV near, at two locations,',
	({ now }, step) => {
		const sessions = new Map<string, StoredSession>();
		const far = createSteppedStore(new FarStore({ now, sessions }), step);
		const at = (): CachedSessionStore =>
			new CachedSessionStore(
				// The contract of KVSessionStore itself covers the steps within.
				createSteppedStore(new KVSessionStore(createLocationKV(namespace, now), { now }), step),
				far,
				() => {}, // Receives the corrupt record near.
			);
		return {
			store: at(),
			elsewhere: at(),
			async corrupt(id, text) {
				sessions.set(id, { text, forgetAtMs: now() + 3_600_000 });
				await namespace.put(`tmcp:session:${encodeURIComponent(id)}`, text);
			},
			async forgottenAfterSeconds(id) {
				const stored = sessions.get(id);
				return stored && Math.max(60, (stored.forgetAtMs - now()) / 1000);
			},
		};
	},
	{
		consistency: 'eventual',
		visibleWithinSeconds: 60,
		ttlFloorSeconds: 60,
		atomicUpdate: false,
		maxIdBytes: 459,
	},
);

describe('a session opened at location A', () => {
	it('is always known at location B with a far store, and not with KV alone', async () => {
		const clock = new ManualClock();
		const far = new FarStore({ now: clock.now });
		const kv = (): KVSessionStore =>
			new KVSessionStore(createLocationKV(namespace, clock.now), { now: clock.now });
		const [alone, a] = [kv(), new CachedSessionStore(kv(), far)];
		const b = new CachedSessionStore(kv(), far);
		let unknownToKV = 0;
		for (let round = 0; round < 200; round++) {
			const { id, record } = openSession();
			// For half of them, B has cached their absence.
			if (round % 2 === 0) await Promise.all([b.read(id), alone.read(id)]);
			clock.advance((round % 7) * SECOND_MS);
			await a.create(id, record);
			expect(await b.read(id)).toEqual(record);
			if ((await alone.read(id)) === undefined) unknownToKV++;
		}
		expect(unknownToKV).toBe(100);
	});

	it('is unknown at location B a minute after A has ended it', async () => {
		const clock = new ManualClock();
		const far = new FarStore({ now: clock.now });
		const at = (): CachedSessionStore =>
			new CachedSessionStore(
				new KVSessionStore(createLocationKV(namespace, clock.now), { now: clock.now }),
				far,
			);
		const [a, b] = [at(), at()];
		const { id, record } = openSession();
		await a.create(id, record);
		expect(await b.read(id)).toEqual(record);
		await a.delete(id);
		clock.advance(60 * SECOND_MS);
		expect(await b.read(id)).toBeUndefined();
	});
});
