import { createRedisSessionStore } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { openSession } from '@tmcp-sessions/testkit';
import { startRedis, startRedisPair, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PASSWORD = 'a-password-of-the-test';
/** A rejection takes at most as long as a command may, and the attempts of an operation. */
const REJECTED_MS = 8_000;

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis({ requirepass: PASSWORD });
});

afterAll(() => redis.stop());

const record = { ...openSession().record, expiresAtMs: Date.now() + 600_000 };
const working = (prefix?: string): ReturnType<typeof createRedisSessionStore> =>
	createRedisSessionStore(connectRedis(`redis://:${PASSWORD}@127.0.0.1:${redis.port}`), { prefix });

/** Expects that a new session is rejected in time with this text, and without a secret. */
async function expectRejected(
	store: ReturnType<typeof createRedisSessionStore>,
	text: RegExp,
): Promise<void> {
	const late = new Promise<never>((_, reject) => {
		setTimeout(() => reject(new Error('it hangs')), REJECTED_MS).unref();
	});
	const error = await Promise.race([store.create('a-session', record), late]).then(
		() => expect.unreachable('it must reject'),
		(reason: unknown) => reason,
	);
	expect(error).toMatchObject({ code: 'store', name: 'StoreError' });
	expect(String(error)).toMatch(text);
	expect(String(error)).not.toMatch(/a-session|wrong-one|password-of/);
}

describe('a Redis that rejects its client', () => {
	it.each([
		['cannot be reached', 'redis://127.0.0.1:1', /storing a session failed: .*ECONNREFUSED/],
		['has another password', 'wrong-one', /Redis rejected the credentials\. Check .*\(WRONGPASS/],
		['needs a password', '', /Redis rejected the credentials\. Check .*\(NOAUTH/],
	])('is reported if it %s', async (_, password, text) => {
		const credentials = password === '' ? '' : `:${password}@`;
		const own = `redis://${credentials}127.0.0.1:${redis.port}`;
		const url = password.startsWith('redis:') ? password : own;
		await expectRejected(createRedisSessionStore(connectRedis(url)), text);
	});

	it('is reported if it is a replica', async () => {
		const pair = await startRedisPair();
		const store = createRedisSessionStore(connectRedis(`redis://127.0.0.1:${pair.replica.port}`));
		await expectRejected(store, /read-only replica\. Connect to the primary \(READONLY/);
		await pair.stop();
	});

	it('is reported if it is out of memory, and serves again when it is not', async () => {
		await redis.command('CONFIG', 'SET', 'maxmemory', '1');
		await expectRejected(working(), /out of memory\. Raise maxmemory/);
		await redis.command('CONFIG', 'SET', 'maxmemory', '0');
		await working().create('after', record);
		expect(await working().read('after')).toEqual(record);
	});

	it('is reported if it stops answering in the middle', async () => {
		const proxy = await startRedisProxy(redis.port);
		const url = `redis://:${PASSWORD}@127.0.0.1:${proxy.port}`;
		const store = createRedisSessionStore(connectRedis(url, { timeoutMs: 300 }));
		await store.create('before', record);
		proxy.isSilent = true;
		await expectRejected(store, /no response within 300 ms/);
		await proxy.stop();
	});
});

describe('what a Redis may do at any time', () => {
	it('serves sessions after its scripts were flushed', async () => {
		const store = working();
		await store.create('flushed', record);
		await redis.command('SCRIPT', 'FLUSH');
		expect(await store.read('flushed')).toEqual(record);
		await redis.command('SCRIPT', 'FLUSH');
		expect(await store.update('flushed', { logLevel: 'info' }, record)).not.toBe(false);
	});

	it('shares nothing between prefixes', async () => {
		const [one, other] = [working('{one}:'), working('{other}:')];
		await one.create('session', record);
		await one.subscribe('session', 'test://uri', record.expiresAtMs);
		expect(await other.read('session')).toBeUndefined();
		expect(await other.subscribers('test://uri')).toEqual([]);
		await other.delete('session');
		expect(await one.read('session')).toEqual(record);
	});
});
