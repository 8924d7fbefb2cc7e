import { MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import { runStateStoreCase, stateStoreCases } from '@tmcp-sessions/testkit/state';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';

import { Entries } from '../src/storage/entries.ts';
import { LocalSessionStore } from '../src/storage/local-session-store.ts';

const listeners = {
	onChange: () => {},
	onStateChange: () => {},
	onSubscribe: () => {},
	onUnsubscribe: () => {},
};

function createStore(
	storage: DurableObjectStorage,
	now: () => number,
): { readonly store: LocalSessionStore; readonly entries: Entries } {
	const entries = new Entries(
		storage,
		() => [],
		() => {},
	);
	const options = { now, endsWithSession: () => false, isInUse: () => false, ...listeners };
	return { entries, store: new LocalSessionStore(entries, options) };
}

describe('the state store of an object (contract of StateStore)', () => {
	it.each(stateStoreCases.map((each) => [each.name, each] as const))('%s', async (_name, each) => {
		const object = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		const running = runInDurableObject(object, (_instance, { storage }) =>
			runStateStoreCase(
				each,
				({ now }) => {
					const { entries, store } = createStore(storage, now);
					return {
						store: store.state,
						elsewhere: store.state,
						async removedAfterSeconds(id) {
							const entry = entries.find('state', id);
							return entry && ((entry.dueMs ?? Infinity) - now()) / 1000;
						},
					};
				},
				{
					consistency: 'strong',
					visibleWithinSeconds: 0,
					ttlFloorSeconds: 0,
					maxIdBytes: 1024,
					isAtomic: true,
					canExtend: true,
					maxBytes: MAX_ROW_BYTES - 37,
				},
			),
		);
		await expect(running).resolves.toBeUndefined();
	});
});

it('removes the state of a session with the session, and that of a handle when it expires', async () => {
	const object = env.SESSIONS.get(env.SESSIONS.newUniqueId());
	await runInDurableObject(object, async (_instance, { storage }) => {
		let nowMs = Date.now();
		const { entries, store } = createStore(storage, () => nowMs);
		await store.create('session', { createdAtMs: nowMs, expiresAtMs: nowMs + 60_000 });
		await store.state.write('session', '1', undefined, nowMs + 60_000);
		await store.state.write('handle', '2', undefined, nowMs + 30_000);
		expect(entries.earliest()).toBe(nowMs + 30_000);
		nowMs += 30_001;
		store.prune();
		expect(entries.list('state').map(({ key }) => key)).toEqual(['session']);
		store.extendOne('session', nowMs + 60_000);
		nowMs += 50_000;
		store.prune();
		expect(entries.list('state').map(({ key }) => key)).toEqual(['session']);
		nowMs += 10_001;
		store.prune();
		expect(entries.list('state')).toEqual([]);
	});
});
