import { InMemorySessionStore } from '@tmcp-sessions/core';
import type { StateStore } from '@tmcp-sessions/core/backend';
import { describe, expect, it } from 'vitest';

import type { ManualClock } from '../src/manual-clock.ts';
import { runStateStoreCase, stateStoreCases } from '../src/state/state-store-suite.ts';
import type { StateStoreFactory } from '../src/state/state-store-suite.ts';
import { wrongStateStores } from './wrong-state-stores.ts';

const MAX_SECONDS = 20_000;

/** Moves the clock until a text is gone, and back. */
async function removedAfterSeconds(
	store: StateStore,
	clock: ManualClock,
	id: string,
): Promise<number | undefined> {
	const isStored = async (seconds: number): Promise<boolean> => {
		clock.advance(seconds * 1000);
		const found = await store.read(id);
		clock.advance(-seconds * 1000);
		return found !== undefined;
	};
	if (!(await isStored(0))) return undefined;
	if (await isStored(MAX_SECONDS)) return Infinity;
	let [low, high] = [0, MAX_SECONDS];
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		if (await isStored(middle)) low = middle;
		else high = middle;
	}
	return high;
}

function memory(wrong: (right: StateStore) => Partial<StateStore> = () => ({})): StateStoreFactory {
	return (clock) => {
		const right = new InMemorySessionStore({ now: clock.now }).state;
		const replaced = wrong(right);
		const store = new Proxy(right, {
			get(target, key) {
				const member: unknown = Reflect.get(key in replaced ? replaced : target, key);
				return typeof member === 'function' && !(key in replaced) ? member.bind(target) : member;
			},
		});
		return {
			store,
			elsewhere: store,
			removedAfterSeconds: (id) => removedAfterSeconds(store, clock, id),
		};
	};
}

/** Runs all cases of a store. Returns the names of those that fail. */
async function failures(factory: StateStoreFactory): Promise<string[]> {
	const { capabilities } = new InMemorySessionStore().state;
	const failed: string[] = [];
	for (const each of stateStoreCases) {
		await runStateStoreCase(each, factory, capabilities).catch(() => failed.push(each.name));
	}
	return failed;
}

describe('the suite of state stores', () => {
	it('passes the store in memory', async () => {
		expect(await failures(memory())).toEqual([]);
	});

	it.each(wrongStateStores)('detects a store that $name', async ({ fails, methods }) => {
		expect(await failures(memory(methods))).toEqual(fails);
	});
});
