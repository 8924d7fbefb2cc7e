import type { StateStore } from '@tmcp-sessions/core/backend';
import { DenoKvSessionStore } from '@tmcp-sessions/info-deno-kv';
import type { DenoKv } from '@tmcp-sessions/info-deno-kv';
import type { StoreFactory } from '@tmcp-sessions/testkit';
import type { StateStoreFactory } from '@tmcp-sessions/testkit/state';

import { Expiries, recordedKv } from './recorded-kv.ts';

/** A database whose values a test can write. */
export interface WritableKv extends DenoKv {
	set(key: readonly string[], value: unknown): Promise<unknown>;
}

/** The capabilities that the README states. */
export const CAPABILITIES = {
	consistency: 'strong',
	visibleWithinSeconds: 0,
	ttlFloorSeconds: 0,
	atomicUpdate: true,
	maxIdBytes: 512,
} as const;

/** The capabilities of its state store. */
export const STATE_CAPABILITIES = {
	consistency: 'strong',
	visibleWithinSeconds: 0,
	ttlFloorSeconds: 0,
	maxIdBytes: 512,
	isAtomic: true,
	canExtend: true,
	maxBytes: 65_455,
} as const;

/** Returns what creates the stores of a case of the contract suite. */
export function storesOver(kv: WritableKv): StoreFactory {
	return ({ now }, step) => {
		const expiries = new Expiries();
		const store = (): DenoKvSessionStore =>
			new DenoKvSessionStore({ now, open: async () => recordedKv(kv, expiries, now, step) });
		const key = (id: string): string[] => ['tmcp', 'session', encodeURIComponent(id)];
		return {
			store: store(),
			elsewhere: store(),
			async corrupt(id, text) {
				await kv.set(key(id), new TextEncoder().encode(text));
			},
			async forgottenAfterSeconds(id) {
				const untilMs = expiries.of(key(id));
				return untilMs === undefined ? undefined : (untilMs - now()) / 1000;
			},
		};
	};
}

/** Returns what creates the state stores of a case of the contract suite. */
export function stateStoresOver(kv: DenoKv): StateStoreFactory {
	return ({ now }) => {
		const expiries = new Expiries();
		const store = (): StateStore =>
			new DenoKvSessionStore({ now, open: async () => recordedKv(kv, expiries, now) }).state;
		return {
			store: store(),
			elsewhere: store(),
			async removedAfterSeconds(id) {
				const untilMs = expiries.of(['tmcp', 'state', encodeURIComponent(id)]);
				return untilMs === undefined ? undefined : (untilMs - now()) / 1000;
			},
		};
	};
}
