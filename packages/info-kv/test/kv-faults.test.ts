import {
	createFaultyKV,
	createInterceptedKV,
	createRateLimitedKV,
	openSession,
} from '@tmcp-sessions/testkit';
import type { OpenSession } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';
import { KVSessionStore } from '../src/kv-session-store.ts';
import { namespace } from './bindings.ts';

describe('KV with a limit of one write per second and key', () => {
	function limited(onSleep?: (times: number) => Promise<void>): OpenSession & {
		store: KVSessionStore;
		slept: number[];
	} {
		const opened = openSession();
		const slept: number[] = [];
		const store = new KVSessionStore(createRateLimitedKV(namespace, opened.clock.now), {
			now: opened.clock.now,
			async sleep(ms) {
				slept.push(ms);
				await onSleep?.(slept.length);
				opened.clock.advance(ms);
			},
		});
		return { ...opened, store, slept };
	}

	it('gets a rejected write again after a little over a second', async () => {
		const { store, slept, id, record } = limited();
		await store.create(id, record);
		expect(await store.update(id, { logLevel: 'debug' })).toBe(true);
		expect(await store.read(id)).toEqual({ ...record, logLevel: 'debug' });
		expect(slept.length).toBe(1);
		expect(slept[0]).toBeGreaterThan(1_000);
		expect(slept[0]).toBeLessThan(2_000);
	});

	it('gets the retries of concurrent writers at different times', async () => {
		const { store, slept, id, record } = limited();
		await store.create(id, record);
		await Promise.all([
			store.update(id, { logLevel: 'debug' }),
			store.update(id, { clientInfo: { name: 'a', version: '1' } }),
		]);
		expect(new Set(slept).size).toBe(slept.length);
	});

	it('completes a subscribe, an unsubscribe and an end within one second', async () => {
		const { store, id, uri, record } = limited();
		await store.create(id, record);
		await store.subscribe(id, uri, record.expiresAtMs);
		await store.subscribe(id, uri, record.expiresAtMs);
		await store.unsubscribe(id, uri);
		await store.subscribe(id, uri, record.expiresAtMs);
		await store.delete(id);
		expect(await store.read(id)).toBeUndefined();
		expect(await store.subscribers(uri)).toEqual([]);
	});

	it('does not get the retry of an update after the session has ended', async () => {
		const elsewhere = new KVSessionStore(namespace);
		const { store, slept, id, record } = limited(() => elsewhere.delete(id));
		await store.create(id, record);
		expect(await store.update(id, { logLevel: 'debug' })).toBe(false);
		expect(slept.length).toBe(1);
		expect(await store.read(id)).toBeUndefined();
	});

	it('does not get the retry of a create after the session has ended', async () => {
		const { store, slept, id, record } = limited();
		await store.delete(id);
		await store.create(id, record);
		expect(slept.length).toBe(1);
		expect(await store.read(id)).toBeUndefined();
	});

	it('is retried at most five times', async () => {
		const { id, record } = openSession();
		let puts = 0;
		const refusing = createFaultyKV(namespace, ({ operation }) => {
			if (operation !== 'write') return;
			puts++;
			throw new Error('KV PUT failed: 429 Too Many Requests');
		});
		const store = new KVSessionStore(refusing, { sleep: async () => {} });
		await expect(store.create(id, record)).rejects.toMatchObject({
			name: 'StoreError',
			code: 'store',
			message: expect.stringContaining('429 Too Many Requests'),
		});
		expect(puts).toBe(5);
	});
});

describe('KV that fails or is stale', () => {
	it('makes every method reject at once with a StoreError that names the package', async () => {
		const { id, uri, record } = openSession();
		const faulty = createFaultyKV(namespace, ({ operation }) => {
			throw new Error(`KV ${operation} failed: 500 Internal Server Error`);
		});
		const store = new KVSessionStore(faulty, {
			sleep: () => Promise.reject(new Error('it slept')),
		});
		const calls = [
			store.create(id, record),
			store.read(id),
			store.update(id, { logLevel: 'info' }),
			store.delete(id),
			store.subscribe(id, uri, record.expiresAtMs),
			store.unsubscribe(id, uri),
			store.subscribers(uri),
		];
		for (const settled of await Promise.allSettled(calls)) {
			expect(settled).toMatchObject({ status: 'rejected', reason: { name: 'StoreError' } });
			const { message } = (settled as PromiseRejectedResult).reason as Error;
			expect(message).toMatch(/^\[tmcp-sessions\/info-kv] .* failed: KV \w+ failed: 500/);
			expect(message).not.toContain(id);
		}
	});

	it('may lose one of two concurrent updates, as atomicUpdate: false declares', async () => {
		const { id, record } = openSession();
		let reads = 0;
		const bothHaveRead = Promise.withResolvers<void>();
		const late = createFaultyKV(namespace, ({ operation }) => {
			if (operation === 'read' && ++reads === 2) bothHaveRead.resolve();
			return operation === 'write' && reads > 0 ? bothHaveRead.promise : undefined;
		});
		const store = new KVSessionStore(late);
		await store.create(id, record);
		const clientInfo = { name: 'a', version: '1' };
		await Promise.all([store.update(id, { logLevel: 'debug' }), store.update(id, { clientInfo })]);
		const { logLevel, clientInfo: read } = (await store.read(id)) ?? {};
		expect([logLevel, read].filter((value) => value !== undefined).length).toBe(1);
	});

	it('ends a session that is not visible at this location yet', async () => {
		const { id, record } = openSession();
		await new KVSessionStore(namespace).create(id, record);
		const notYetVisible = createInterceptedKV(namespace, ({ operation }, proceed) =>
			operation === 'read' ? Promise.resolve(null) : proceed(),
		);
		await new KVSessionStore(notYetVisible).delete(id);
		expect(await new KVSessionStore(namespace).read(id)).toBeUndefined();
	});

	it('leaves no subscription that delete does not find if subscribe fails half-way', async () => {
		const { id, uri, record } = openSession();
		let writes = 0;
		const faulty = createFaultyKV(namespace, ({ operation }) => {
			if (operation === 'write' && ++writes === 2) throw new Error('KV PUT failed: 500');
		});
		await expect(
			new KVSessionStore(faulty).subscribe(id, uri, record.expiresAtMs),
		).rejects.toMatchObject({ name: 'StoreError' });
		const store = new KVSessionStore(namespace);
		await store.delete(id);
		expect(await store.subscribers(uri)).toEqual([]);
		expect((await namespace.list({ prefix: `tmcp:own:${id}` })).keys).toEqual([]);
	});
});
