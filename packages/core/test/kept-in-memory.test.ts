import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { ManualClock } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { CLIENT, inRequest } from './observed-manager.ts';

setFlagsFromString('--expose-gc');
// Sound: the flag makes it.
const collectGarbage = runInNewContext('gc') as () => void;

/** How many of these are still held by anybody. */
async function leftOf(objects: readonly WeakRef<object>[]): Promise<number> {
	// What was looked at in this turn is kept until its end.
	await new Promise((resolve) => setTimeout(resolve, 1));
	collectGarbage();
	return objects.filter((object) => object.deref() !== undefined).length;
}

describe('what an isolate keeps in memory', () => {
	it('is not what writes that never reported back were to write', async () => {
		const clock = new ManualClock();
		const store = new InMemorySessionStore({ now: clock.now });
		store.create = () => new Promise(() => {});
		const manager = new StoredInfoSessionManager(store, { now: clock.now, onError: () => {} });
		const written: WeakRef<object>[] = [];
		for (let index = 0; index < 100; index++) {
			const info = { ...CLIENT };
			written.push(new WeakRef(info));
			inRequest(() => manager.setClientInfo(`${index}`, info));
			await Promise.resolve();
		}
		expect(await leftOf(written)).toBe(100);
		clock.advance(30_001);
		inRequest(() => manager.setLogLevel('another', 'info'));
		expect(await leftOf(written)).toBe(0);
	});

	it('is not what requests left behind that broke off, of a session that is always busy', async () => {
		const clock = new ManualClock();
		const store = new InMemorySessionStore({ now: clock.now });
		const manager = new StoredInfoSessionManager(store, { now: clock.now });
		manager.setClientInfo('a', CLIENT);
		manager.setClientCapabilities('a', {});
		await manager.flush('a');
		const read: WeakRef<object>[] = [];
		for (let index = 0; index < 100; index++) {
			const capabilities = await manager.getClientCapabilities('a');
			if (capabilities) read.push(new WeakRef(capabilities));
			clock.advance(1_000);
		}
		expect(read).toHaveLength(100);
		expect(await leftOf(read)).toBeLessThanOrEqual(5);
	});
});
