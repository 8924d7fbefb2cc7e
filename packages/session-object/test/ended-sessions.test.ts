import { runSessionStoreCase, sessionStoreCases } from '@tmcp-sessions/testkit';
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

/** The cases of operations that run concurrently with the end of their session. */
const cases = sessionStoreCases.filter(({ name }) => /^keeps .*\border/.test(name));

describe.each([true, false])('the store of an object that ends with its session: %s', (ends) => {
	it.each(cases.map((each) => [each.name, each] as const))('%s', async (_name, each) => {
		const object = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		const running = runInDurableObject(object, (_instance, { storage }) =>
			runSessionStoreCase(
				each,
				({ now }) => {
					const store = new LocalSessionStore(
						new Entries(
							storage,
							() => [],
							() => {},
						),
						{ now, endsWithSession: () => ends, isInUse: () => false, ...listeners },
					);
					return {
						store,
						elsewhere: store,
						corrupt: () => Promise.reject(new Error('not used')),
						forgottenAfterSeconds: () => Promise.resolve(undefined),
					};
				},
				{
					consistency: 'strong',
					visibleWithinSeconds: 0,
					ttlFloorSeconds: 0,
					atomicUpdate: true,
					maxIdBytes: 1024,
				},
			),
		);
		await expect(running).resolves.toBeUndefined();
	});
});
