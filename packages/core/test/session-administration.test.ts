import {
	cachedInfo,
	chooseSessions,
	hasSessionAdministration,
	InMemorySessionStore,
	splitInfo,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { testSessionAdministration } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

/** Creates managers over one memory, as isolates that share a backend. */
function shared(): (options: StoredInfoOptions) => StoredInfoSessionManager {
	const store = new InMemorySessionStore();
	return (options) => new StoredInfoSessionManager(store, options);
}

const alone = shared();
testSessionAdministration('StoredInfoSessionManager', { manager: alone });

const [client, rest] = [shared(), shared()];
testSessionAdministration('splitInfo', {
	manager: (options) =>
		splitInfo({ client: client(options), logLevel: rest(options), subscriptions: rest(options) }),
});

const far = shared();
testSessionAdministration('cachedInfo', {
	manager: (options) => {
		const near = new InMemorySessionStore({ forgetAfterSeconds: 30 });
		return cachedInfo(new StoredInfoSessionManager(near, options), far(options));
	},
});

const chosen = shared();
testSessionAdministration('chooseSessions', {
	manager: (options) =>
		chooseSessions('info=memory', { info: { memory: () => chosen(options) } }).info,
});

/** A store that cannot find sessions without their ids. */
class PlainStore extends InMemorySessionStore {
	override get directory(): never {
		// Safe because the interface allows a store without a directory, which the parent class narrows.
		return undefined as never;
	}
}

describe('hasSessionAdministration', () => {
	it('is false for a manager whose store cannot find sessions, and for its wrappers', () => {
		const plain = new StoredInfoSessionManager(new PlainStore());
		const near = new StoredInfoSessionManager(new InMemorySessionStore({ forgetAfterSeconds: 1 }));
		const parts = { client: plain, logLevel: plain, subscriptions: plain };
		expect(hasSessionAdministration(plain)).toBe(false);
		expect(hasSessionAdministration(splitInfo(parts))).toBe(false);
		expect(hasSessionAdministration(cachedInfo(near, plain))).toBe(false);
		expect(hasSessionAdministration({})).toBe(false);
	});
});
