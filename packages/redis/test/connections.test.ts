import { isConnectionLoss, redisFailure, RedisConnectionError } from '@tmcp-sessions/redis';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { startRedis, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

const connections: readonly (readonly [string, () => RedisConnection])[] = [
	['over TCP', () => connectRedis(`redis://127.0.0.1:${redis.port}`)],
	['over REST', () => connectUpstash(redis)],
];

describe.each(connections)('a connection %s', (_, connect) => {
	it('runs a script with keys and arguments, also after a flush of scripts', async () => {
		const connection = connect();
		const script = `return { KEYS[1], ARGV[1], 7, { redis.call('GET', KEYS[1]) } }`;
		for (let round = 0; round < 2; round++) {
			const reply = await connection.evaluate(script, ['{a}:é'], ['\0"雪']);
			expect(reply).toEqual(['{a}:é', '\0"雪', 7, [null]]);
			await redis.command('SCRIPT', 'FLUSH');
		}
	});

	it('rejects with the error of Redis', async () => {
		const failing = `return redis.error_reply('ERR of the test')`;
		await expect(connect().evaluate(failing, ['a'], [])).rejects.toThrow(/^ERR of the test/);
	});

	it('receives messages in order from right after it has subscribed, until it is closed', async () => {
		const connection = connect();
		const received: string[] = [];
		const ends: Error[] = [];
		const subscription = await connection.subscribe('{a}:channel', {
			onMessage: (message) => received.push(message),
			onEnd: (reason) => ends.push(reason),
		});
		const sent = Array.from(
			{ length: 50 },
			(_each, index) => `${index}, "雪" ${'x'.repeat(index)}`,
		);
		for (const message of sent) await redis.command('PUBLISH', '{a}:channel', message);
		await expect.poll(() => received).toEqual(sent);
		subscription.close();
		subscription.close();
		await expect
			.poll(async () => Number(await redis.command('PUBLISH', '{a}:channel', 'late')))
			.toBe(0);
		expect(received).toEqual(sent);
		expect(ends).toEqual([]);
	});

	it('reports once that a subscription has ended', async () => {
		const ends: Error[] = [];
		await connect().subscribe('{a}:ended', {
			onMessage() {},
			onEnd: (reason) => ends.push(reason),
		});
		await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
		await expect.poll(() => ends).toHaveLength(1);
		expect(ends[0]).toBeInstanceOf(RedisConnectionError);
		expect(isConnectionLoss(ends[0])).toBe(true);
	});
});

describe('connectRedis', () => {
	it('rejects in time if Redis accepts the connection and does not answer', async () => {
		const proxy = await startRedisProxy(redis.port);
		proxy.isSilent = true;
		const connection = connectRedis(`redis://127.0.0.1:${proxy.port}`, { timeoutMs: 200 });
		await expect(connection.evaluate('return 1', ['a'], [])).rejects.toThrow(
			'no response within 200 ms',
		);
		await expect(connection.subscribe('a', { onMessage() {}, onEnd() {} })).rejects.toThrow(
			'no response within 200 ms',
		);
		await expect.poll(() => proxy.connections).toBe(0);
		await proxy.stop();
	});
});

describe('redisFailure', () => {
	it('removes URLs and tokens, and explains error codes', () => {
		const text =
			'connect to redis://user:secret@host:1 with Bearer secret failed, command was: ["secret"]';
		expect(redisFailure(new Error(text))).toBe('connect to <url> with <token> failed');
		for (const [code, advice] of [
			['WRONGPASS x', 'rejected the credentials'],
			['NOPERM x', 'Allow scripts'],
			['READONLY x', 'Connect to the primary'],
			['OOM command not allowed', 'Raise maxmemory'],
			['CROSSSLOT x', 'hash tag'],
			['MOVED 1 host:1', 'Pass its nodes as a list'],
		] as const) {
			expect(redisFailure(new Error(code))).toContain(advice);
			expect(redisFailure(new Error(code))).toContain(`(${code})`);
		}
	});
});
