import { createRedisSessionStore } from '@tmcp-sessions/info-redis';
import { UpstashSessionStore } from '@tmcp-sessions/info-upstash';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { openSession } from '@tmcp-sessions/testkit';
import { startRedis, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { Redis } from '@upstash/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { testContract } from './contract.ts';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

const url = (): string => `redis://127.0.0.1:${redis.port}`;

// One connection, because the suite creates hundreds of stores.
let shared: ReturnType<typeof connectRedis> | undefined;
const connect = (): ReturnType<typeof connectRedis> => (shared ??= connectRedis(url()));

testContract('RedisSessionStore over TCP', connect, (...command) => redis.command(...command));

describe('a database that server and serverless processes share', () => {
	it('gives each the sessions, ends, subscriptions and claims of the other', async () => {
		const { id, uri, clock, record } = openSession();
		const tcp = createRedisSessionStore(connect(), clock);
		const rest = new UpstashSessionStore({ redis: new Redis(redis), now: clock.now });
		await tcp.create(id, record);
		expect(await rest.read(id)).toEqual(record);
		await rest.update(id, { logLevel: 'error' });
		expect(await tcp.read(id)).toEqual({ ...record, logLevel: 'error' });
		await rest.subscribe(id, uri, clock.now() + 60_000);
		expect(await tcp.subscribers(uri)).toEqual([id]);
		expect(await tcp.claim(id, clock.now() + 60_000)).toBe(true);
		expect(await rest.claim(id, clock.now() + 60_000)).toBe(false);
		await tcp.delete(id);
		expect(await rest.read(id)).toBeUndefined();
		expect(await rest.subscribers(uri)).toEqual([]);
		expect(await rest.update(id, { logLevel: 'info' }, record)).toBe(false);
	});
});

describe('a connection that fails', () => {
	it('serves an operation after a reset, and rejects it with a reason while Redis is away', async () => {
		const proxy = await startRedisProxy(redis.port);
		const connection = connectRedis(`redis://127.0.0.1:${proxy.port}`, { timeoutMs: 400 });
		const store = createRedisSessionStore(connection);
		const { record } = openSession();
		const session = { ...record, expiresAtMs: Date.now() + 60_000 };
		await store.create('a', session);
		for (let round = 0; round < 10; round++) {
			proxy.reset();
			expect(await store.read('a')).toEqual(session);
		}
		proxy.isSilent = true;
		const silent = 'reading a session failed: no response within 400 ms';
		await expect(store.read('a')).rejects.toThrow(silent);
		proxy.isSilent = false;
		proxy.isRefusing = true;
		proxy.reset();
		await expect(store.update('a', { logLevel: 'info' })).rejects.toMatchObject({ code: 'store' });
		proxy.isRefusing = false;
		expect(await store.read('a')).toEqual(session);
		await proxy.stop();
	});

	it('reports a key of another type as a corrupt record, and a wrong password without it', async () => {
		await redis.command('LPUSH', '{tmcp}:session:list', 'text');
		await expect(createRedisSessionStore(connect()).read('list')).rejects.toMatchObject({
			code: 'corrupt-record',
		});
		const locked = await startRedis({ requirepass: 'right-one' });
		const wrong = connectRedis(`redis://:wrong-one@127.0.0.1:${locked.port}`);
		const error = await createRedisSessionStore(wrong)
			.read('a-session')
			.then(() => '', String);
		expect(error).toContain('Redis rejected the credentials');
		expect(error).not.toMatch(/wrong-one|a-session/);
		await locked.stop();
	});

	it('rejects a prefix without a hash tag on a cluster', () => {
		const cluster = connectRedis(['redis://127.0.0.1:1']);
		expect(() => createRedisSessionStore(cluster, { prefix: 'tmcp:' })).toThrow(
			'on a cluster, prefix must contain a hash tag such as {tmcp}',
		);
	});
});
