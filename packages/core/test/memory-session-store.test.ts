import { ManualClock, testSessionStore, testSingleUse } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';
import { InMemorySessionStore } from '../src/store/in-memory-session-store.ts';
import type { StoredSession } from '../src/store/in-memory-session-store.ts';

const HOUR_MS = 3_600_000;

testSessionStore(
	'InMemorySessionStore',
	({ now }) => {
		const sessions = new Map<string, StoredSession>();
		return {
			store: new InMemorySessionStore({ now, sessions }),
			elsewhere: new InMemorySessionStore({ now }),
			async corrupt(id, text) {
				sessions.set(id, { text, forgetAtMs: now() + HOUR_MS });
			},
			async forgottenAfterSeconds(id) {
				const held = sessions.get(id);
				return held && (held.forgetAtMs - now()) / 1000;
			},
		};
	},
	{
		consistency: 'isolate',
		visibleWithinSeconds: Infinity,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: 1024,
	},
);

testSingleUse('InMemorySessionStore', ({ now }) => {
	const store = new InMemorySessionStore({ now });
	return { singleUse: store, elsewhere: store };
});

describe('InMemorySessionStore', () => {
	function open(): {
		clock: ManualClock;
		sessions: Map<string, StoredSession>;
		store: InMemorySessionStore;
	} {
		const clock = new ManualClock();
		const sessions = new Map<string, StoredSession>();
		return { clock, sessions, store: new InMemorySessionStore({ now: clock.now, sessions }) };
	}

	it('does not revive an ended session with a late create', async () => {
		const { clock, store } = open();
		const record = { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS };
		await store.create('a', record);
		await store.delete('a');
		await store.create('a', record);
		expect(await store.read('a')).toBeUndefined();
	});

	it('removes expired sessions and tombstones while new ones are added, and no live ones', async () => {
		const { clock, sessions, store } = open();
		const open1000 = async (prefix: string, livesMs: number): Promise<void> => {
			for (let index = 0; index < 1_000; index++) {
				await store.create(`${prefix}${index}`, {
					createdAtMs: clock.now(),
					expiresAtMs: clock.now() + livesMs,
				});
			}
		};
		await open1000('long', 3 * HOUR_MS);
		await open1000('short', HOUR_MS);
		await open1000('ended', HOUR_MS);
		for (let index = 0; index < 1_000; index++) await store.delete(`ended${index}`);
		clock.advance(HOUR_MS - 1);
		await open1000('b', HOUR_MS);
		expect(sessions.size).toBe(4_000);
		clock.advance(1);
		await open1000('c', HOUR_MS);
		await open1000('d', HOUR_MS);
		expect([...sessions.keys()].map((id) => id.replace(/\d/g, '')).toSorted()).toEqual(
			['b', 'c', 'd', 'long'].flatMap((prefix) => Array(1_000).fill(prefix)),
		);
	});

	it('removes expired claims while new ones are added', async () => {
		const { clock, store } = open();
		await store.claim('short', clock.now() + 1_000);
		await store.claim('long', clock.now() + HOUR_MS);
		clock.advance(1_000);
		for (let index = 0; index < 10; index++) await store.claim(`${index}`, clock.now() + 1);
		expect(await store.claim('short', clock.now() + 1_000)).toBe(true);
		expect(await store.claim('long', clock.now() + HOUR_MS)).toBe(false);
	});

	it('removes the subscriptions of a session that expired, and of one that ended before', async () => {
		const { clock, store } = open();
		const record = { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS };
		const untilMs = clock.now() + 720 * HOUR_MS;
		for (const id of ['idle', 'busy', 'ended']) {
			await store.create(id, record);
			await store.subscribe(id, 'test://a', untilMs);
		}
		await store.delete('ended');
		await store.subscribe('ended', 'test://a', untilMs);
		expect(await store.subscribers('test://a')).toEqual(['idle', 'busy']);
		await store.update('busy', { expiresAtMs: record.expiresAtMs + HOUR_MS });
		clock.advance(HOUR_MS);
		expect(await store.subscribers('test://a')).toEqual(['busy']);
		// Nor after the session itself was removed.
		for (let index = 0; index < 20; index++) await store.claim(`${index}`, untilMs);
		expect(await store.subscribers('test://a')).toEqual(['busy']);
	});

	it('removes a subscription when it expires', async () => {
		const { clock, store } = open();
		await store.subscribe('a', 'test://a', clock.now() + 1_000);
		await store.subscribe('b', 'test://a', clock.now() + 2_000);
		clock.advance(999);
		expect(await store.subscribers('test://a')).toEqual(['a', 'b']);
		clock.advance(1);
		expect(await store.subscribers('test://a')).toEqual(['b']);
	});
});
