import { hashText } from '@tmcp-sessions/core/backend';
import {
	createCountedKV,
	createInterceptedKV,
	OperationCounter,
	testSessionStore,
	openSession,
} from '@tmcp-sessions/testkit';
import { testStateStore } from '@tmcp-sessions/testkit/state';
import { describe, expect, it } from 'vitest';
import { subscribersPrefix } from '../src/kv-keys.ts';
import { KVSessionStore } from '../src/kv-session-store.ts';
import { namespace } from './bindings.ts';
import { createSteppedKV } from './stepped-kv.ts';

const HOUR_MS = 3_600_000;

testSessionStore(
	'KVSessionStore',
	({ now }, step) => ({
		store: new KVSessionStore(createSteppedKV(namespace, step), { now }),
		elsewhere: new KVSessionStore(createSteppedKV(namespace, step), { now }),
		corrupt: (id, text) => namespace.put(`tmcp:session:${encodeURIComponent(id)}`, text),
		async forgottenAfterSeconds(id) {
			const name = `tmcp:session:${encodeURIComponent(id)}`;
			const key = (await namespace.list({ prefix: name })).keys.find((each) => each.name === name);
			return key && (key.expiration ?? Infinity) - Date.now() / 1000;
		},
	}),
	{
		consistency: 'eventual',
		visibleWithinSeconds: 60,
		ttlFloorSeconds: 60,
		atomicUpdate: false,
		maxIdBytes: 459,
	},
);

testStateStore(
	'KVSessionStore',
	({ now }) => ({
		store: new KVSessionStore(namespace, { now }).state,
		elsewhere: new KVSessionStore(namespace, { now }).state,
		async removedAfterSeconds(id) {
			const name = `tmcp:state:${encodeURIComponent(id)}`;
			const key = (await namespace.list({ prefix: name })).keys.find((each) => each.name === name);
			return key && (key.expiration ?? Infinity) - Date.now() / 1000;
		},
	}),
	{
		consistency: 'eventual',
		visibleWithinSeconds: 60,
		ttlFloorSeconds: 60,
		maxIdBytes: 459,
		isAtomic: false,
		canExtend: false,
		maxBytes: 26_214_400,
	},
);

describe('the KV operations of KVSessionStore', () => {
	const counter = new OperationCounter();
	const store = new KVSessionStore(createCountedKV(namespace, counter));
	const none = { reads: 0, writes: 0, lists: 0, deletes: 0 };

	it('are 1 write to create, 1 read to read, 2 reads and 1 write to update', async () => {
		const { id, record } = openSession();
		counter.take();
		await store.create(id, record);
		expect(counter.take()).toEqual({ ...none, writes: 1 });
		await store.read(id);
		expect(counter.take()).toEqual({ ...none, reads: 1 });
		await store.update(id, { logLevel: 'info' });
		expect(counter.take()).toEqual({ ...none, reads: 2, writes: 1 });
		await store.update('never', { logLevel: 'info' });
		expect(counter.take()).toEqual({ ...none, reads: 2 });
	});

	it('are 2 writes to subscribe and 2 deletes to unsubscribe', async () => {
		const { id, uri, record } = openSession();
		counter.take();
		await store.subscribe(id, uri, record.expiresAtMs);
		expect(counter.take()).toEqual({ ...none, writes: 2 });
		await store.unsubscribe(id, uri);
		expect(counter.take()).toEqual({ ...none, deletes: 2 });
	});

	it('are 3 lists and no read for 2,500 subscribers', async () => {
		const { id, uri } = openSession();
		// Miniflare needs about 2 ms for a put: write only the keys that the list reads.
		const prefix = subscribersPrefix(await hashText(uri));
		await Promise.all(
			Array.from({ length: 2_500 }, (_, index) =>
				namespace.put(`${prefix}${id}-${index}`, '', { expirationTtl: HOUR_MS / 1_000 }),
			),
		);
		counter.take();
		expect((await store.subscribers(uri)).length).toBe(2_500);
		expect(counter.take()).toEqual({ ...none, lists: 3 });
	}, 30_000);

	it('are proportional to the 3 subscriptions of a session that ends, not to 500 of others', async () => {
		const { id, uri, record } = openSession();
		const others = Array.from({ length: 500 }, (_, index) => `${id}-${index}`);
		await Promise.all(others.map((each) => store.subscribe(each, uri, record.expiresAtMs)));
		await store.create(id, record);
		for (const end of ['', '/b', '/c']) await store.subscribe(id, uri + end, record.expiresAtMs);
		counter.take();
		await store.delete(id);
		expect(counter.take()).toEqual({ reads: 1, writes: 2, lists: 1, deletes: 6 });
		expect((await store.subscribers(uri)).length).toBe(500);
	}, 30_000);

	it('are none for an invalid id', async () => {
		counter.take();
		await expect(store.read('x'.repeat(460))).rejects.toMatchObject({ code: 'invalid-session-id' });
		await expect(store.subscribe('', 'test://a', 0)).rejects.toMatchObject({
			code: 'invalid-session-id',
		});
		expect(counter.take()).toEqual(none);
	});
});

describe('the TTL of keys', () => {
	it('is the remaining lifetime, and at least 60 seconds, for every written key', async () => {
		const { id, uri, clock, record } = openSession();
		const puts: [string, number | undefined][] = [];
		const recording = createInterceptedKV(namespace, ({ operation, key, putOptions }, proceed) => {
			if (operation === 'write') puts.push([key, putOptions?.expirationTtl]);
			return proceed();
		});
		const store = new KVSessionStore(recording, { now: clock.now });
		const hash = expect.stringMatching(/^tmcp:(uri|own):/);

		await store.create(id, record);
		clock.advance(1_500);
		await store.update(id, { logLevel: 'info' });
		await store.subscribe(id, uri, clock.now() + 7_200_000);
		clock.advance(HOUR_MS - 11_500);
		await store.update(id, { logLevel: 'debug' });
		await store.update(id, { expiresAtMs: clock.now() + HOUR_MS });
		clock.advance(HOUR_MS / 2);
		await store.delete(id);
		expect(puts).toEqual([
			[`tmcp:session:${id}`, 3_600],
			[`tmcp:session:${id}`, 3_599],
			[hash, 7_200],
			[hash, 7_200],
			[`tmcp:session:${id}`, 60],
			[`tmcp:session:${id}`, 3_600],
			// Outlives every record that another location may write: untilMs, and two minutes.
			[`tmcp:ended:${id}`, 86_520],
			[`tmcp:session:${id}`, 1_800],
		]);
	});

	it('is on every listed key of a live and of an ended session', async () => {
		const { id, uri, record } = openSession();
		const store = new KVSessionStore(namespace);
		await store.create(id, record);
		await store.create(`${id}-ended`, record);
		await store.delete(`${id}-ended`);
		await store.delete(`${id}-never`);
		await store.subscribe(id, uri, record.expiresAtMs);
		const { keys: own } = await namespace.list({ prefix: `tmcp:own:${id}:` });
		const hash = own[0]?.name.split(':').at(-1) ?? '';
		const { keys: subscribers } = await namespace.list({ prefix: `tmcp:uri:${hash}:` });
		const { keys: sessions } = await namespace.list({ prefix: `tmcp:session:${id}` });
		const { keys: ended } = await namespace.list({ prefix: `tmcp:ended:${id}` });
		const keys = [...own, ...subscribers, ...sessions, ...ended];
		expect(keys.map(({ name }) => name)).toEqual([
			`tmcp:own:${id}:${hash}`,
			`tmcp:uri:${hash}:${id}`,
			...['', '-ended', '-never'].map((end) => `tmcp:session:${id}${end}`),
			...['-ended', '-never'].map((end) => `tmcp:ended:${id}${end}`),
		]);
		for (const { expiration, name } of keys) {
			expect(expiration).toBeGreaterThan(Date.now() / 1000);
			const atMost = name.startsWith('tmcp:ended:') ? 86_521 : 3_601;
			expect(expiration).toBeLessThanOrEqual(Date.now() / 1000 + atMost);
		}
	});
});
