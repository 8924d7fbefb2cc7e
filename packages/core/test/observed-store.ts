import { InMemorySessionStore } from '@tmcp-sessions/core';
import type { SessionStore } from '@tmcp-sessions/core/backend';

type Operation = Exclude<keyof SessionStore, 'capabilities'>;

/** A store whose operations are recorded, and can be delayed or made to fail. */
export interface ObservedStore {
	readonly store: SessionStore;
	/** The operations that have begun. */
	readonly operations: Operation[];
	/** Delays operations before they reach the store. */
	gate: Promise<void>;
	/** The operations that reject, with their errors. */
	readonly failures: Map<Operation, Error>;
}

/** Creates an observed store over memory and the clock of a test. */
export function observedStore(now: () => number): ObservedStore {
	const observed: ObservedStore = {
		operations: [],
		gate: Promise.resolve(),
		failures: new Map(),
		store: new Proxy(new InMemorySessionStore({ now }), {
			get(target, key: keyof SessionStore) {
				const member = target[key];
				if (key === 'capabilities' || typeof member !== 'function') return member;
				return async (...args: unknown[]): Promise<unknown> => {
					observed.operations.push(key);
					await observed.gate;
					const failure = observed.failures.get(key);
					if (failure) throw failure;
					return Reflect.apply(member, target, args);
				};
			},
		}),
	};
	return observed;
}
