import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { ManualClock } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { CLIENT, inRequest } from './observed-manager.ts';

setFlagsFromString('--expose-gc');
// Safe because the flag defines `gc`.
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns how many of the objects have not been collected. */
async function countAlive(objects: readonly WeakRef<object>[]): Promise<number> {
	// `deref` keeps its target alive until the end of the turn.
	await new Promise((resolve) => setTimeout(resolve, 1));
	collectGarbage();
	return objects.filter((object) => object.deref() !== undefined).length;
}

describe('the memory of an isolate', () => {
	it('releases writes that never settle', async () => {
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
		expect(await countAlive(written)).toBe(100);
		clock.advance(30_001);
		inRequest(() => manager.setLogLevel('another', 'info'));
		expect(await countAlive(written)).toBe(0);
	});

	it('releases reads of aborted requests while the session stays in use', async () => {
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
		expect(await countAlive(read)).toBeLessThanOrEqual(5);
	});
});
