import { createInterceptedDurableObject, openSession } from '@tmcp-sessions/testkit';
import type { ObjectRpc } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import { namespace } from './shards.ts';

/** Creates an error of the platform for an object that cannot be reached. */
function platformError(message: string, marks: { retryable?: true; overloaded?: true }): Error {
	return Object.assign(new Error(message), { remote: false, ...marks });
}

/** Creates a store with a `fault` that is called before each RPC and throws to make it fail. */
function faulty(fault: (call: ObjectRpc, times: number) => void): {
	store: DurableObjectSessionStore;
	slept: number[];
	calls: ObjectRpc[];
} {
	const slept: number[] = [];
	const calls: ObjectRpc[] = [];
	const intercepted = createInterceptedDurableObject(namespace, async (call, proceed) => {
		calls.push(call);
		fault(call, calls.length);
		return proceed();
	});
	const store = new DurableObjectSessionStore(intercepted, {
		sleep: async (ms) => void slept.push(ms),
	});
	return { store, slept, calls };
}

describe('an object that cannot be reached', () => {
	it('makes every method reject with a StoreError that names the package and contains no id', async () => {
		const { id, uri, record } = openSession();
		const { store, slept } = faulty(() => {
			throw platformError('Internal error in Durable Object storage', {});
		});
		const calls = {
			'storing a session': store.create(id, record),
			'reading a session': store.read(id),
			'updating a session': store.update(id, { logLevel: 'info' }),
			'ending a session': store.delete(id),
			'subscribing a session': store.subscribe(id, uri, record.expiresAtMs),
			'ending a subscription': store.unsubscribe(id, uri),
			'finding subscribers': store.subscribers(uri),
			'claiming an id': store.claim(id, record.expiresAtMs),
		};
		const settled = await Promise.allSettled(Object.values(calls));
		expect(settled).toEqual(
			Object.keys(calls).map((operation) => ({
				status: 'rejected',
				reason: expect.objectContaining({
					name: 'StoreError',
					code: 'store',
					message: `[tmcp-sessions/info-durable-object] ${operation} failed: Internal error in Durable Object storage`,
				}),
			})),
		);
		expect(slept).toEqual([]);
	});

	it('is called again, twice at most and after a pause, if the error is retryable', async () => {
		const { id, record } = openSession();
		const lost = platformError('Network connection lost.', { retryable: true });
		const { store, slept, calls } = faulty((_call, times) => {
			if (times <= 2) throw lost;
		});
		await store.create(id, record);
		expect(calls.map(({ method }) => method)).toEqual(['create', 'create', 'create']);
		expect(slept.length).toBe(2);
		expect(slept[0]).toBeGreaterThanOrEqual(50);
		expect(slept[0]).toBeLessThanOrEqual(150);
		expect(slept[1]).toBeGreaterThanOrEqual(100);
		expect(slept[1]).toBeLessThanOrEqual(300);
		expect(await store.read(id)).toEqual(record);

		const always = faulty(() => {
			throw lost;
		});
		await expect(always.store.read(id)).rejects.toMatchObject({
			name: 'StoreError',
			message:
				'[tmcp-sessions/info-durable-object] reading a session failed: Network connection lost.',
			cause: lost,
		});
		expect(always.calls.length).toBe(3);
	});

	it('is not called again if it is overloaded', async () => {
		const { store, calls } = faulty(() => {
			throw platformError('Durable Object is overloaded.', { retryable: true, overloaded: true });
		});
		await expect(store.read('a')).rejects.toThrow('Durable Object is overloaded.');
		expect(calls.length).toBe(1);
	});

	it('gets an RPC again whose response was lost, without a change of the outcome', async () => {
		const { id, uri, record } = openSession();
		const answered = new Set<string>();
		const losing = createInterceptedDurableObject(namespace, async ({ method }, proceed) => {
			const result = await proceed();
			if (answered.has(method)) return result;
			answered.add(method);
			throw platformError('Network connection lost.', { retryable: true });
		});
		const store = new DurableObjectSessionStore(losing);
		await store.create(id, record);
		expect(await store.update(id, { logLevel: 'info' })).toBe(true);
		await store.subscribe(id, uri, record.expiresAtMs);
		expect(await store.subscribers(uri)).toEqual([id]);
		await store.unsubscribe(id, uri);
		expect(await store.subscribers(uri)).toEqual([]);
		await store.subscribe(id, uri, record.expiresAtMs);
		await store.delete(id);
		expect(await store.read(id)).toBeUndefined();
		expect(await store.subscribers(uri)).toEqual([]);
		// A retried claim succeeds; a second claim does not.
		expect(await store.claim(id, record.expiresAtMs)).toBe(true);
		expect(await store.claim(id, record.expiresAtMs)).toBe(false);
		expect(answered.size).toBe(10);
	});

	it('leaves a subscription that delete still finds if it stores the session', async () => {
		const { id, uri, record } = openSession();
		const store = new DurableObjectSessionStore(namespace);
		await store.create(id, record);
		await store.subscribe(id, uri, record.expiresAtMs);
		const { store: half } = faulty(({ method }) => {
			if (method === 'addSubscribedShard') throw platformError('down', {});
		});
		await expect(half.subscribe(id, uri, record.expiresAtMs)).rejects.toThrow('down');
		expect(await store.subscribers(uri)).toEqual([id]);
		await store.delete(id);
		expect(await store.subscribers(uri)).toEqual([]);
	});

	it('makes delete reject if it stores subscribers, and a second delete removes them', async () => {
		const { id, uri, record } = openSession();
		const { store: half } = faulty(({ method }) => {
			if (method === 'removeSubscribers') throw platformError('down', {});
		});
		await half.create(id, record);
		await half.subscribe(id, uri, record.expiresAtMs);
		await expect(half.delete(id)).rejects.toMatchObject({
			name: 'StoreError',
			message: "[tmcp-sessions/info-durable-object] ending a session's subscriptions failed: down",
		});
		expect(await half.read(id)).toBeUndefined();
		const store = new DurableObjectSessionStore(namespace);
		expect(await store.subscribers(uri)).toEqual([id]);
		await store.delete(id);
		expect(await store.subscribers(uri)).toEqual([]);
	});
});
