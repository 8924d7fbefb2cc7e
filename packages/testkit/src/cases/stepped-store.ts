import type { SessionStore } from '@tmcp-sessions/core/backend';

import type { Step } from './interleavings.ts';

/** Wraps a store, one of several behind the tested one, so that each of its operations is one step. */
export function createSteppedStore<Store extends SessionStore>(store: Store, step: Step): Store {
	return new Proxy(store, {
		get(target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			return (...args: unknown[]): Promise<unknown> =>
				step(async (): Promise<unknown> => {
					const result: unknown = Reflect.apply(member, target, args);
					return result;
				});
		},
	});
}
