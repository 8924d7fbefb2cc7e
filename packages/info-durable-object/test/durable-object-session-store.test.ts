import { hashText, MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import {
	createCountedDurableObject,
	createInterceptedDurableObject,
	ObjectRpcCounter,
	testSessionStore,
	testSingleUse,
	openSession,
} from '@tmcp-sessions/testkit';
import type { Step } from '@tmcp-sessions/testkit';
import { testStateStore } from '@tmcp-sessions/testkit/state';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import { locationOfObject, objectIndexOf, OBJECTS_PER_SHARD } from '../src/placement.ts';
import { evictAll, objectOfSession, namespace } from './shards.ts';

const HOUR_MS = 3_600_000;

const stepped = (step: Step): typeof namespace =>
	createInterceptedDurableObject(namespace, (_call, proceed) => step(proceed));

testSessionStore(
	'DurableObjectSessionStore',
	({ now }, step) => ({
		store: new DurableObjectSessionStore(stepped(step), { now }),
		elsewhere: new DurableObjectSessionStore(stepped(step), { now }),
		corrupt: (id, text) =>
			runInDurableObject(objectOfSession(id), (_object, { storage }) => {
				const key = encodeURIComponent(id);
				storage.sql.exec('UPDATE sessions SET text = ? WHERE id = ?', text, key);
			}),
		forgottenAfterSeconds: (id) =>
			runInDurableObject(objectOfSession(id), async (_object, { storage }) => {
				const ends = storage.sql
					.exec<{ ms: number }>('SELECT forget_at_ms AS ms FROM sessions WHERE id = ?', id)
					.toArray();
				const alarmMs = (await storage.getAlarm()) ?? Infinity;
				return ends[0] && (Math.max(ends[0].ms, alarmMs) - now()) / 1000;
			}),
	}),
	{
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: 1024,
	},
);

testSingleUse('DurableObjectSessionStore', ({ now }) => ({
	singleUse: new DurableObjectSessionStore(namespace, { now }),
	elsewhere: new DurableObjectSessionStore('TMCP_SESSION_SHARD', { now }),
}));

testStateStore(
	'DurableObjectSessionStore',
	({ now }) => ({
		store: new DurableObjectSessionStore(namespace, { now }).state,
		elsewhere: new DurableObjectSessionStore('TMCP_SESSION_SHARD', { now }).state,
		removedAfterSeconds: (id) =>
			runInDurableObject(objectOfSession(id), async (_object, { storage }) => {
				const { sql } = storage;
				if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'states'").toArray().length === 0) {
					return undefined;
				}
				const ends = sql
					.exec<{ ms: number }>('SELECT until_ms AS ms FROM states WHERE id = ?', id)
					.toArray();
				const alarmMs = (await storage.getAlarm()) ?? Infinity;
				// An alarm that is too early sets the next one.
				return ends[0] && (alarmMs === Infinity ? Infinity : (ends[0].ms - now()) / 1000);
			}),
	}),
	{
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		maxIdBytes: 1024,
		isAtomic: true,
		canExtend: true,
		maxBytes: MAX_ROW_BYTES,
	},
);

describe('the RPCs of DurableObjectSessionStore', () => {
	const counter = new ObjectRpcCounter();
	const store = new DurableObjectSessionStore(createCountedDurableObject(namespace, counter), {});

	it('are 1 for a read, a create and an update', async () => {
		const { id, record } = openSession();
		await store.read(id);
		await store.create(id, record);
		await store.read(id);
		await store.update(id, { logLevel: 'info' });
		await store.update('never', { logLevel: 'info' });
		expect(counter.take()).toEqual(['read', 'create', 'read', 'update', 'update']);
	});

	it('are 1 to claim an id', async () => {
		const { id, clock } = openSession();
		await store.claim(id, clock.now() + HOUR_MS);
		await store.claim(id, clock.now() + HOUR_MS);
		expect(counter.take()).toEqual(['claim', 'claim']);
	});

	it('are 2 to subscribe, 1 to unsubscribe and 1 to find all of 2,500 subscribers', async () => {
		const { id, uri, record } = openSession();
		await store.create(id, record);
		counter.take();
		await store.subscribe(id, uri, record.expiresAtMs);
		await store.unsubscribe(id, uri);
		expect(counter.take()).toEqual(['addSubscriber', 'addSubscribedShard', 'removeSubscriber']);
		// Called inside the object, because 5,000 RPCs would take most of the time limit.
		const uriHash = await hashText(uri);
		const object = namespace.getByName(locationOfObject(objectIndexOf(uriHash)).name);
		await runInDurableObject(object, async (shard) => {
			for (let index = 0; index < 2_500; index++) {
				await shard.addSubscriber(uriHash, `${id}-${index}`, record.expiresAtMs);
			}
		});
		counter.take();
		expect(new Set(await store.subscribers(uri)).size).toBe(2_500);
		expect(counter.take()).toEqual(['subscribers']);
	}, 30_000);

	it('are 1 to end a session, and 1 for each object that stores some of its 100 subscriptions', async () => {
		const { id, uri, record } = openSession();
		await store.create(id, record);
		counter.take();
		await store.delete(id);
		expect(counter.take()).toEqual(['end']);

		await store.create(`${id}-2`, record);
		await store.subscribe(`${id}-2`, uri, record.expiresAtMs);
		counter.take();
		await store.delete(`${id}-2`);
		expect(counter.take()).toEqual(['end', 'removeSubscribers']);

		await store.create(`${id}-3`, record);
		for (let index = 0; index < 100; index++) {
			await store.subscribe(`${id}-3`, `${uri}/${index}`, record.expiresAtMs);
		}
		counter.take();
		await store.delete(`${id}-3`);
		expect(counter.take()).toEqual(['end', ...Array(OBJECTS_PER_SHARD).fill('removeSubscribers')]);
	});

	it('are none for an invalid id', async () => {
		await expect(store.read('x'.repeat(1025))).rejects.toMatchObject({
			code: 'invalid-session-id',
		});
		await expect(store.subscribe('', 'test://a', 0)).rejects.toMatchObject({
			code: 'invalid-session-id',
		});
		expect(counter.take()).toEqual([]);
	});
});

describe('objects that are evicted', () => {
	it('lose no data between any two operations', async () => {
		const { id, uri, clock, record } = openSession();
		const store = new DurableObjectSessionStore(namespace, { now: clock.now });
		const untilMs = clock.now() + 2 * HOUR_MS;
		await store.create(id, record);
		await evictAll();
		expect(await store.read(id)).toEqual(record);
		await evictAll();
		expect(await store.update(id, { logLevel: 'error' })).toBe(true);
		for (const end of ['/a', '/b', '/c', '/d', '/e']) {
			await evictAll();
			await store.subscribe(id, uri + end, untilMs);
		}
		await evictAll();
		await store.unsubscribe(id, `${uri}/a`);
		await evictAll();
		expect(await store.read(id)).toEqual({ ...record, logLevel: 'error' });
		expect(await store.subscribers(`${uri}/a`)).toEqual([]);
		expect(await store.subscribers(`${uri}/b`)).toEqual([id]);
		await evictAll();
		await store.delete(id);
		await evictAll();
		expect(await store.read(id)).toBeUndefined();
		expect(await store.update(id, { logLevel: 'debug' })).toBe(false);
		expect(await store.claim(id, untilMs)).toBe(true);
		await evictAll();
		expect(await store.claim(id, untilMs)).toBe(false);
		for (const end of ['/b', '/c', '/d', '/e']) {
			expect(await store.subscribers(uri + end)).toEqual([]);
		}
	});
});

describe('a session that has ended or expired', () => {
	it('cannot subscribe, and leaves no subscription', async () => {
		const { id, uri, clock, record } = openSession();
		const store = new DurableObjectSessionStore(namespace, { now: clock.now });
		await store.create(`${id}-ended`, record);
		await store.delete(`${id}-ended`);
		await store.create(`${id}-expired`, { ...record, expiresAtMs: clock.now() + 1 });
		clock.advance(1);
		for (const each of [`${id}-ended`, `${id}-expired`]) {
			await expect(store.subscribe(each, uri, record.expiresAtMs)).rejects.toMatchObject({
				name: 'UnknownSessionError',
				message: expect.stringContaining(
					'[tmcp-sessions/info-durable-object] cannot subscribe to a resource',
				),
			});
		}
		expect(await store.subscribers(uri)).toEqual([]);
	});

	it('is not revived by a late create', async () => {
		const { id, record } = openSession();
		const store = new DurableObjectSessionStore(namespace);
		await store.create(id, record);
		await store.delete(id);
		await store.create(id, record);
		expect(await store.read(id)).toBeUndefined();
	});

	it.each([0, 1, 2])('keeps no subscription of which %s RPCs preceded its end', async (calls) => {
		const { id, uri, record } = openSession();
		const other = new DurableObjectSessionStore(namespace);
		await other.create(id, record);
		let made = 0;
		const ended = createInterceptedDurableObject(namespace, async (_call, proceed) => {
			if (made++ === calls) await other.delete(id);
			return proceed();
		});
		const subscribing = new DurableObjectSessionStore(ended);
		const outcome = subscribing.subscribe(id, uri, record.expiresAtMs);
		if (calls < 2) await expect(outcome).rejects.toMatchObject({ name: 'UnknownSessionError' });
		else await outcome.then(() => other.delete(id));
		expect(await other.subscribers(uri)).toEqual([]);
	});

	it('keeps no subscription that was made concurrently', async () => {
		const store = new DurableObjectSessionStore(namespace);
		for (let round = 0; round < 50; round++) {
			const { id, uri, record } = openSession();
			await store.create(id, record);
			const subscribing = store.subscribe(id, uri, record.expiresAtMs);
			await Promise.all([subscribing.catch(() => {}), store.delete(id)]);
			expect(await store.subscribers(uri)).toEqual([]);
		}
	});
});

describe('concurrent updates of one session', () => {
	it('of two stores all survive, and none revives the session after its end', async () => {
		const { id, record } = openSession();
		const stores = [0, 1].map(() => new DurableObjectSessionStore(namespace));
		const [one, other] = stores as [DurableObjectSessionStore, DurableObjectSessionStore];
		await one.create(id, record);
		const clientInfo = { name: 'a', version: '1' };
		await Promise.all([
			one.update(id, { logLevel: 'debug' }),
			other.update(id, { clientInfo }),
			one.update(id, { clientCapabilities: { roots: {} } }),
		]);
		expect(await one.read(id)).toEqual({
			...record,
			clientInfo,
			logLevel: 'debug',
			clientCapabilities: { roots: {} },
		});
		const results = await Promise.all([one.delete(id), other.update(id, { logLevel: 'info' })]);
		expect(results[1]).toBeTypeOf('boolean');
		expect(await other.read(id)).toBeUndefined();
		expect(await other.update(id, { logLevel: 'info' })).toBe(false);
	});
});
