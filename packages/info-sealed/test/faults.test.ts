import { InMemorySessionStore, StoreError } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';

import { deployment } from './endpoint.ts';

/** A store that can fail. */
class FailingStore extends InMemorySessionStore {
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

	override async update(...args: Parameters<InMemorySessionStore['update']>): Promise<boolean> {
		this.#check();
		return super.update(...args);
	}

	#check(): void {
		if (this.isDown) throw new StoreError('test', 'using the store', new Error('down'));
	}
}

describe('a failing rest', () => {
	it('does not affect initialize and calls of sessions whose state is cached', async () => {
		const store = new FailingStore();
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

	it('causes a 503 for all other requests and loses nothing', async () => {
		const store = new FailingStore();
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
