import { InMemorySessionStore, StoreError } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';

import { deployment } from './endpoint.ts';

/** A store that can be out of reach. */
class LossyStore extends InMemorySessionStore {
	isDown = false;

	override async read(
		...args: Parameters<InMemorySessionStore['read']>
	): ReturnType<InMemorySessionStore['read']> {
		this.#check();
		return super.read(...args);
	}

	override async create(...args: Parameters<InMemorySessionStore['create']>): Promise<void> {
		this.#check();
		return super.create(...args);
	}

	#check(): void {
		if (this.isDown) throw new StoreError('test', 'asking', new Error('down'));
	}
}

describe('a rest that is out of reach', () => {
	it('stops no initialize and no call of a session that was asked for a moment ago', async () => {
		const store = new LossyStore();
		const { clock, isolate } = deployment(() => store);
		const [here, there] = [isolate(), isolate()];
		const session = await here.open();
		await there.call(session);
		store.isDown = true;
		const another = await there.open();
		clock.advance(59_999);
		for (const id of [session, another]) expect((await there.call(id)).status).toBe(200);
		expect([...here.errors, ...there.errors]).toEqual([]);
	});

	it('is a 503 to everything else, and nothing is lost by it', async () => {
		const store = new LossyStore();
		const { isolate } = deployment(() => store);
		const [here, there] = [isolate(), isolate()];
		const session = await here.open();
		store.isDown = true;
		expect((await there.call(session)).status).toBe(503);
		expect((await here.setLogLevel('error', session)).status).toBe(503);
		expect((await here.subscribe(session)).status).toBe(503);
		expect((await here.end(session)).status).toBe(503);
		for (const { errors } of [here, there]) {
			expect(new Set(errors.map(({ name }) => name))).toEqual(new Set(['StoreError']));
		}
		store.isDown = false;
		expect((await here.call(session)).text).toContain('none');
		expect((await there.setLogLevel('error', session)).status).toBe(200);
		expect((await here.end(session)).status).toBe(200);
		expect((await here.call(session)).status).toBe(404);
	});
});
