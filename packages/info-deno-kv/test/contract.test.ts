import { openKv } from '@deno/kv';
import type { SessionRecord } from '@tmcp-sessions/core/backend';
import { DenoKvInfoSessionManager, DenoKvSessionStore } from '@tmcp-sessions/info-deno-kv';
import type { DenoKv, DenoKvInfoOptions } from '@tmcp-sessions/info-deno-kv';
import {
	openSession,
	testInfoSessionManager,
	testSessionAdministration,
	testSessionStore,
	testSingleUse,
} from '@tmcp-sessions/testkit';
import { testStateStore } from '@tmcp-sessions/testkit/state';
import { afterAll, describe, expect, it } from 'vitest';

import {
	CAPABILITIES,
	STATE_CAPABILITIES,
	stateStoresOver,
	storesOver,
} from './store-under-test.ts';

const kv = await openKv(':memory:');
const open = async (): Promise<DenoKv> => kv;

afterAll(() => kv.close());

testSessionStore('DenoKvSessionStore', storesOver(kv), CAPABILITIES);

testStateStore('DenoKvSessionStore', stateStoresOver(kv), STATE_CAPABILITIES);

testSingleUse('DenoKvSessionStore', ({ now }) => ({
	singleUse: new DenoKvSessionStore({ now, open }),
	elsewhere: new DenoKvSessionStore({ now, open }),
}));

const manager = (options: DenoKvInfoOptions = {}): DenoKvInfoSessionManager =>
	new DenoKvInfoSessionManager({ ...options, open });

testInfoSessionManager('DenoKvInfoSessionManager', { manager });
testSessionAdministration('DenoKvInfoSessionManager', { manager });

describe('DenoKvSessionStore', () => {
	it('rejects metadata of more than 64 KiB with its size, and stores a little less', async () => {
		const { id, clock, record } = openSession();
		const store = new DenoKvSessionStore({ now: clock.now, open });
		const withName = (length: number): SessionRecord => ({
			...record,
			clientInfo: { name: 'n'.repeat(length), version: '1' },
		});
		await store.create(id, withName(65_000));
		expect((await store.read(id))?.clientInfo?.name).toHaveLength(65_000);
		await expect(store.create(id, withName(66_000))).rejects.toThrow(
			/storing a session failed: the metadata of a session must have at most 65472 bytes in Deno KV; got 66\d+/,
		);
		await expect(store.update(id, withName(66_000))).rejects.toMatchObject({ code: 'store' });
		expect((await store.read(id))?.clientInfo?.name).toHaveLength(65_000);
	});

	it('reads no expired entry, although Deno KV has not removed it', async () => {
		const { id, uri, clock, record } = openSession();
		const store = new DenoKvSessionStore({ now: clock.now, open });
		await store.create(id, record);
		await store.subscribe(id, uri, clock.now() + 1_000);
		expect(await store.claim(id, clock.now() + 1_000)).toBe(true);
		clock.advance(1_001);
		expect(await store.subscribers(uri)).toEqual([]);
		expect(await store.claim(id, clock.now() + 1_000)).toBe(true);
	});

	it('reports a value of another type as a corrupt record', async () => {
		await kv.set(['tmcp', 'session', 'number'], 7);
		await expect(new DenoKvSessionStore({ open }).read('number')).rejects.toMatchObject({
			code: 'corrupt-record',
		});
	});

	it('names the option to set if the runtime is not Deno, and tries again', async () => {
		await expect(new DenoKvSessionStore().read('a')).rejects.toThrow(
			'this runtime is not Deno: pass the option open',
		);
		let attempts = 0;
		const store = new DenoKvSessionStore({
			open: async () => ((attempts += 1) === 1 ? Promise.reject(new Error('locked')) : kv),
		});
		await expect(store.read('a')).rejects.toThrow('reading a session failed: locked');
		expect(await store.read('a')).toBeUndefined();
	});
});
