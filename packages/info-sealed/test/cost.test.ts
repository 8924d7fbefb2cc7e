import { InMemorySessionStore } from '@tmcp-sessions/core';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	createCountedDurableObject,
	createCountedKV,
	ObjectRpcCounter,
	OperationCounter,
} from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { bindings } from './bindings.ts';
import { deployment, Isolate, newKey } from './endpoint.ts';
import type { Deployment } from './endpoint.ts';

const withMemory = (): Deployment => deployment(({ now }) => new InMemorySessionStore({ now }));

describe('the operations of rest for a sealed session', () => {
	it('are none at initialize and in calls, in the isolate that opened it', async () => {
		const { isolate, operations } = withMemory();
		const here = isolate();
		const session = await here.open();
		for (let count = 0; count < 20; count++) {
			expect((await here.call(session)).text).toContain('visitor, {}, none');
		}
		expect(operations).toEqual([]);
	});

	it('are one read in another isolate, and none from the second call on', async () => {
		const { isolate, operations } = withMemory();
		const session = await isolate().open();
		const there = isolate();
		expect((await there.call(session)).text).toContain('visitor, {}, none');
		expect(operations.splice(0)).toEqual(['read']);
		for (let count = 0; count < 20; count++) await there.call(session);
		expect(operations).toEqual([]);
	});

	it('are one read per minute and isolate, for any number of calls', async () => {
		const { clock, isolate, operations } = withMemory();
		const here = isolate();
		const session = await here.open();
		for (let second = 0; second < 300; second++) {
			expect((await here.call(session)).status).toBe(200);
			clock.advance(1_000);
		}
		expect(operations).toEqual(['read', 'read', 'read', 'read']);
	});

	it('are at most one read per call after a log level was set', async () => {
		const { clock, isolate, operations } = withMemory();
		const here = isolate();
		const session = await here.open();
		expect((await here.setLogLevel('error', session)).status).toBe(200);
		expect(operations.splice(0)).toEqual(['update']);
		expect((await here.call(session)).text).toContain('visitor, {}, error');
		expect(operations.splice(0)).toEqual([]);
		for (const advanceMs of [0, 30_000, 60_000, 60_000]) {
			clock.advance(advanceMs);
			const there = isolate();
			expect((await there.call(session)).text).toContain('visitor, {}, error');
			expect((await here.call(session)).text).toContain('visitor, {}, error');
			expect(operations.splice(0).length).toBeLessThanOrEqual(2); // One in each isolate.
		}
	});

	it('are two reads and a write for an end, and a delete after a subscription', async () => {
		const { isolate, operations } = withMemory();
		const here = isolate();
		const session = await here.open();
		expect((await here.end(session)).status).toBe(200);
		expect(operations.splice(0)).toEqual(['read', 'read', 'update']);
		const subscribed = await here.open();
		for (const expected of [
			['read', 'create', 'subscribe'],
			['read', 'subscribe'],
		]) {
			await here.subscribe(subscribed);
			expect(operations.splice(0)).toEqual(expected);
		}
		await here.end(subscribed);
		expect(operations).toEqual(['read', 'delete', 'update']);
	});

	it('are one read for each call with recheckSeconds 0', async () => {
		const { isolate, operations } = withMemory();
		const here = isolate({ recheckSeconds: 0 });
		const session = await here.open();
		operations.length = 0;
		for (let count = 0; count < 5; count++) await here.call(session);
		expect(operations).toEqual(['read', 'read', 'read', 'read', 'read']);
	});

	it('are none for a request with an invalid id', async () => {
		const { isolate, operations } = withMemory();
		const here = isolate();
		const session = await here.open();
		for (const id of [`${session}A`, session.slice(0, -1), '2.0.made-up']) {
			expect((await here.call(id)).status).toBe(404);
			expect((await here.end(id)).status).toBe(404);
		}
		expect(operations).toEqual([]);
	});
});

describe('the operations of the bindings', () => {
	const keys = [newKey()];

	it('of Workers KV are none from the second call on, and 4 reads and 2 writes for the end', async () => {
		const counter = new OperationCounter();
		const namespace = createCountedKV(bindings.TMCP_SESSION_INFO, counter);
		const isolate = (): Isolate => new Isolate({ keys, rest: new KVInfoSessionManager(namespace) });
		const session = await isolate().open();
		expect(counter.take()).toEqual({ reads: 0, writes: 0, lists: 0, deletes: 0 });
		const there = isolate();
		await there.call(session);
		expect(counter.take()).toEqual({ reads: 1, writes: 0, lists: 0, deletes: 0 });
		for (let count = 0; count < 10; count++) {
			expect((await there.call(session)).status).toBe(200);
		}
		expect(counter.take()).toEqual({ reads: 0, writes: 0, lists: 0, deletes: 0 });
		await there.end(session);
		expect(counter.take()).toEqual({ reads: 4, writes: 2, lists: 0, deletes: 0 });
	});

	it('of a Durable Object are none from the second call on, and 2 reads and 1 write for the end', async () => {
		const counter = new ObjectRpcCounter();
		const namespace = createCountedDurableObject(bindings.TMCP_SESSION_SHARD, counter);
		const isolate = (): Isolate =>
			new Isolate({ keys, rest: new DurableObjectInfoSessionManager(namespace) });
		const session = await isolate().open();
		expect(counter.take()).toEqual([]);
		const there = isolate();
		await there.call(session);
		expect(counter.take()).toEqual(['read']);
		for (let count = 0; count < 10; count++) {
			expect((await there.call(session)).status).toBe(200);
		}
		expect(counter.take()).toEqual([]);
		await there.end(session);
		expect(counter.take()).toEqual(['read', 'read', 'update']);
	});
});
