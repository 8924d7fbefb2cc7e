import {
	cachedInfo,
	CorruptRecordError,
	InMemorySessionStore,
	splitInfo,
	StoredInfoSessionManager,
	StoreError,
} from '@tmcp-sessions/core';
import type { StoredSession } from '@tmcp-sessions/core';
import type { SessionStore } from '@tmcp-sessions/core/backend';
import { CachedSessionStore, SplitSessionStore } from '@tmcp-sessions/core/internal';
import { createSteppedStore, ManualClock, testSessionStore } from '@tmcp-sessions/testkit';
import type { StoreUnderTest } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { observedStore } from './observed-store.ts';
import type { ObservedStore } from './observed-store.ts';

const HOUR_MS = 3_600_000;
const CLIENT = { name: 'client', version: '1.0.0' };

/** A store that all isolates share, such as a strongly consistent backend. */
class SharedStore extends InMemorySessionStore {
	override readonly capabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: 1024,
	} as const;
}

/** Implements the suite's access to storage over these maps; the first one is authoritative. */
function heldIn(
	now: () => number,
	...maps: Map<string, StoredSession>[]
): Pick<StoreUnderTest, 'corrupt' | 'forgottenAfterSeconds'> {
	return {
		async corrupt(id, text) {
			for (const held of maps) held.set(id, { text, forgetAtMs: now() + HOUR_MS });
		},
		async forgottenAfterSeconds(id) {
			const record = maps[0]?.get(id);
			return record && (record.forgetAtMs - now()) / 1000;
		},
	};
}

testSessionStore(
	'splitInfo over two stores',
	({ now }, step) => {
		const [first, second] = [new Map<string, StoredSession>(), new Map<string, StoredSession>()];
		const client = createSteppedStore(new SharedStore({ now, sessions: first }), step);
		const rest = createSteppedStore(new SharedStore({ now, sessions: second }), step);
		const open = (): SessionStore =>
			new SplitSessionStore({ client, logLevel: rest, subscriptions: rest });
		return { store: open(), elsewhere: open(), ...heldIn(now, first, second) };
	},
	new SharedStore().capabilities,
);

testSessionStore(
	'cachedInfo with memory near',
	({ now }, step) => {
		const [shared, here] = [new Map<string, StoredSession>(), new Map<string, StoredSession>()];
		const far = createSteppedStore(new SharedStore({ now, sessions: shared }), step);
		const open = (sessions?: Map<string, StoredSession>): SessionStore => {
			const memory = { now, forgetAfterSeconds: 10, ...(sessions && { sessions }) };
			const near = createSteppedStore(new InMemorySessionStore(memory), step);
			return new CachedSessionStore(near, far, () => {});
		};
		return { store: open(here), elsewhere: open(), ...heldIn(now, shared, here) };
	},
	{ ...new SharedStore().capabilities, consistency: 'eventual', visibleWithinSeconds: 10 },
);

function observed(): { clock: ManualClock; one: ObservedStore; other: ObservedStore } {
	const clock = new ManualClock();
	return { clock, one: observedStore(clock.now), other: observedStore(clock.now) };
}

const manager = ({ store }: ObservedStore): StoredInfoSessionManager =>
	new StoredInfoSessionManager(store);

describe('splitInfo', () => {
	it('reads the client and log level managers once each, and not the one of subscriptions', async () => {
		const { one, other } = observed();
		const third = observedStore(Date.now);
		const info = splitInfo({
			client: manager(one),
			logLevel: manager(other),
			subscriptions: manager(third),
		});
		info.setClientInfo('a', CLIENT);
		await info.flush('a');
		for (const part of [one, other, third]) expect(part.operations.splice(0)).toEqual(['create']);
		await info.getClientInfo('a');
		await info.getClientCapabilities('a');
		await info.getLogLevel('a');
		expect([one.operations, other.operations, third.operations]).toEqual([['read'], ['read'], []]);
	});

	it('makes one read and one write if one manager stores all parts', async () => {
		const { one } = observed();
		const all = manager(one);
		const info = splitInfo({ client: all, logLevel: all, subscriptions: all });
		info.setClientInfo('a', CLIENT);
		await info.flush('a');
		expect(await info.getClientInfo('a')).toEqual(CLIENT);
		expect(one.operations).toEqual(['create', 'read']);
	});

	it('writes the log level and subscriptions only to their own managers', async () => {
		const { one, other } = observed();
		const info = splitInfo({
			client: manager(one),
			logLevel: manager(other),
			subscriptions: manager(other),
		});
		info.setClientInfo('a', CLIENT);
		await info.flush('a');
		info.setLogLevel('a', 'error');
		info.addSubscription('a', 'test://a');
		await info.flush('a');
		expect(one.operations).toEqual(['create', 'read']);
		expect((await other.store.read('a'))?.logLevel).toBe('error');
		expect((await other.store.read('a'))?.clientInfo).toBeUndefined();
		expect((await one.store.read('a'))?.logLevel).toBeUndefined();
		expect(await info.getSubscriptions('test://a')).toEqual(['a']);
	});

	it('treats a session as unknown once one of its parts has ended', async () => {
		const { clock, one, other } = observed();
		const store = new SplitSessionStore({
			client: one.store,
			logLevel: other.store,
			subscriptions: other.store,
		});
		const times = { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS };
		await store.create('a', times);
		await other.store.delete('a');
		expect(await one.store.read('a')).toBeDefined();
		expect(await store.read('a')).toBeUndefined();
	});

	it.each(['client', 'logLevel', 'subscriptions'] as const)(
		'extends the expiry at the next use after the part of %s failed to',
		async (part) => {
			const clock = new ManualClock();
			const parts = {
				client: observedStore(clock.now),
				logLevel: observedStore(clock.now),
				subscriptions: observedStore(clock.now),
			};
			const errors: Error[] = [];
			const promises: Promise<unknown>[] = [];
			const info = splitInfo(
				{
					client: manager(parts.client),
					logLevel: manager(parts.logLevel),
					subscriptions: manager(parts.subscriptions),
				},
				{
					now: clock.now,
					onError: (error) => void errors.push(error),
					waitUntil: (promise) => void promises.push(promise),
				},
			);
			const use = async (): Promise<void> => {
				expect(await info.getClientInfo('a')).toEqual(CLIENT);
				await Promise.all(promises.splice(0));
				clock.advance(10_000); // The next getter belongs to another request.
			};
			info.setClientInfo('a', CLIENT);
			await info.flush('a');
			clock.advance(12 * HOUR_MS);
			parts[part].failures.set('update', new StoreError('core', 'updating', 'the backend is down'));
			await use();
			expect(errors).toHaveLength(1);
			parts[part].failures.clear();
			await use();
			clock.advance(23 * HOUR_MS);
			for (const { store } of Object.values(parts)) expect(await store.read('a')).toBeDefined();
			await use();
			expect(errors).toHaveLength(1);
		},
	);

	it('takes its default options from the manager of the client', async () => {
		const errors: Error[] = [];
		const { one, other } = observed();
		const client = new StoredInfoSessionManager(one.store, {
			onError: (error) => void errors.push(error),
		});
		const info = splitInfo({ client, logLevel: manager(other), subscriptions: manager(other) });
		info.setLogLevel('never opened', 'error');
		await expect.poll(() => errors).toHaveLength(1);
	});
});

describe('cachedInfo', () => {
	function setUp(): {
		near: ObservedStore;
		far: ObservedStore;
		store: CachedSessionStore;
		errors: Error[];
		times: { createdAtMs: number; expiresAtMs: number };
	} {
		const { clock, one: near, other: far } = observed();
		const errors: Error[] = [];
		const eventual = { ...far.store.capabilities, visibleWithinSeconds: 60 } as const;
		const nearStore = new Proxy(near.store, {
			get: (target, key) =>
				key === 'capabilities'
					? { ...eventual, consistency: 'eventual' }
					: (Reflect.get(target, key) as unknown),
		});
		const store = new CachedSessionStore(nearStore, far.store, (error) => void errors.push(error));
		const times = { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS };
		return { near, far, store, errors, times };
	}

	it('reads near only, and reads far if near has no record', async () => {
		const { near, far, store, times } = setUp();
		await store.create('a', times);
		expect([near.operations.splice(0), far.operations.splice(0)]).toEqual([['create'], ['create']]);
		expect(await store.read('a')).toEqual(times);
		expect([near.operations.splice(0), far.operations.splice(0)]).toEqual([['read'], []]);
		await far.store.create('b', times);
		far.operations.length = 0;
		expect(await store.read('b')).toEqual(times);
		expect([near.operations, far.operations]).toEqual([['read'], ['read']]);
	});

	it('reports a near store that is down or corrupt, and returns the record of far', async () => {
		const { near, store, errors, times } = setUp();
		await store.create('a', times);
		near.failures.set('read', new StoreError('core', 'reading', 'near is down'));
		near.failures.set('create', new StoreError('core', 'storing', 'near is down'));
		expect(await store.read('a')).toEqual(times);
		await store.create('b', times);
		near.failures.set('read', new CorruptRecordError('core', 'junk'));
		expect(await store.read('b')).toEqual(times);
		expect(errors).toHaveLength(3);
	});

	it('fails and leaves nothing near if the far store is down', async () => {
		const { near, far, store, times } = setUp();
		far.failures.set('create', new StoreError('core', 'storing', 'far is down'));
		await expect(store.create('a', times)).rejects.toThrow('far is down');
		expect(await near.store.read('a')).toBeUndefined();
	});

	it('removes a session from near if far rejects an update', async () => {
		const { near, far, store, times } = setUp();
		await store.create('a', times);
		await far.store.delete('a');
		expect(await store.read('a')).toBeDefined(); // Near has not seen the end yet.
		expect(await store.update('a', { logLevel: 'error' })).toBe(false);
		expect(await store.read('a')).toBeUndefined();
		expect(await near.store.read('a')).toBeUndefined();
	});

	it('fills the memory of an isolate on a read, and reads far again after forgetAfterSeconds', async () => {
		const { clock, other: far } = observed();
		const near = new InMemorySessionStore({ now: clock.now, forgetAfterSeconds: 30 });
		const store = new CachedSessionStore(near, far.store);
		const times = { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS };
		await far.store.create('a', times);
		far.operations.length = 0;
		for (let second = 0; second < 60; second++) {
			expect(await store.read('a')).toEqual(times);
			clock.advance(1_000);
		}
		expect(far.operations).toEqual(['read', 'read']);
	});

	it('reads far again if the clock was set back', async () => {
		const { clock, other: far } = observed();
		const near = new InMemorySessionStore({ now: clock.now, forgetAfterSeconds: 30 });
		const store = new CachedSessionStore(near, far.store);
		const times = { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS };
		await store.create('a', times);
		await far.store.delete('a');
		expect(await store.read('a')).toEqual(times); // Near has not seen the end yet.
		clock.advance(-1);
		expect(await store.read('a')).toBeUndefined();
	});

	it('rejects a near store that never notices the end of a session', () => {
		const endless = new StoredInfoSessionManager(new InMemorySessionStore());
		expect(() => cachedInfo(endless, endless)).toThrow(
			'[tmcp-sessions/core] cachedInfo needs a near store that notices the end of a session; ' +
				'got one that never does. Set forgetAfterSeconds of InMemorySessionStore.',
		);
	});
});
