import type { SessionStore } from '@tmcp-sessions/core/backend';

/** Returns the store as it is. `counting-plugin.ts` replaces this module with one that counts. */
export function observeStore(store: SessionStore): SessionStore {
	return store;
}
