import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { RedisStreamSessionManager } from '@tmcp-sessions/streams-redis';
import type { RedisStreamOptions } from '@tmcp-sessions/streams-redis';
import { OpenStream } from '@tmcp-sessions/testkit';
import { startRedis, startRedisPair } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { frame } from './numbered.ts';

const PASSWORD = 'a-password-of-the-test';

let redis: RunningRedis;
let errors: Error[] = [];
let onError: (error: Error) => void;

beforeAll(async () => {
	redis = await startRedis({ requirepass: PASSWORD });
});

afterAll(() => redis.stop());

beforeEach(() => {
	// The managers of an earlier test may still report.
	const own: Error[] = [];
	errors = own;
	onError = (error) => void own.push(error);
});

function managerOf(url: string, options: RedisStreamOptions = {}): RedisStreamSessionManager {
	return new RedisStreamSessionManager(connectRedis(url), { onError, ...options });
}

function working(options: RedisStreamOptions = {}): RedisStreamSessionManager {
	return managerOf(`redis://:${PASSWORD}@127.0.0.1:${redis.port}`, options);
}

/** Expects that streams are rejected and messages reported, both with this text and without a secret. */
async function expectFailure(manager: RedisStreamSessionManager, text: RegExp): Promise<void> {
	const opened = OpenStream.open(manager, 'a');
	const error = await opened.then(
		() => undefined,
		(reason: unknown) => reason,
	);
	expect(error).toMatchObject({ code: 'stream', name: 'StreamError' });
	await manager.send(undefined, frame('text'));
	for (const each of [error, ...errors]) {
		const { message } = each as Error; // Safe because it was matched above.
		expect(message).toMatch(text);
		expect(message).not.toContain(PASSWORD);
		expect(message).not.toContain('wrong-one');
	}
	expect(errors).toHaveLength(1);
}

describe('a Redis that rejects its client', () => {
	it('reports a wrong password', async () => {
		const manager = managerOf(`redis://:wrong-one@127.0.0.1:${redis.port}`);
		await expectFailure(manager, /Redis rejected the credentials\. Check .*\(WRONGPASS/);
	});

	it('reports a missing password', async () => {
		const manager = managerOf(`redis://127.0.0.1:${redis.port}`);
		await expectFailure(manager, /Redis rejected the credentials\. Check .*\(NOAUTH/);
	});

	it('reports a wrong token', async () => {
		const connection = connectUpstash({ url: redis.url, token: 'wrong-one' });
		const manager = new RedisStreamSessionManager(connection, { onError });
		await expectFailure(manager, /Redis rejected the credentials\. Check .*\(WRONGPASS/);
	});

	it('reports a user or a token that may not subscribe', async () => {
		await redis.command('ACL', 'SETUSER', 'narrow', 'on', '>pw', '~*', '+@all', 'resetchannels');
		const tcp = managerOf(`redis://narrow:pw@127.0.0.1:${redis.port}`);
		const rest = new RedisStreamSessionManager(connectUpstash(redis), { onError });
		await redis.command('ACL', 'SETUSER', 'default', 'resetchannels');
		try {
			for (const manager of [tcp, rest]) {
				await expect(OpenStream.open(manager, 'a')).rejects.toThrow(
					/Allow scripts, publishing and the channels of the prefix.*\(NOPERM/,
				);
			}
		} finally {
			await redis.command('ACL', 'SETUSER', 'default', 'allchannels');
		}
	});

	it('reports a replica', async () => {
		const pair = await startRedisPair();
		try {
			const manager = managerOf(`redis://127.0.0.1:${pair.replica.port}`);
			await expect(OpenStream.open(manager, 'a')).rejects.toThrow(
				/read-only replica\. Connect to the primary \(READONLY/,
			);
		} finally {
			await pair.stop();
		}
	});

	it('reports that Redis is out of memory, and serves again when it is not', async () => {
		const manager = working({ prefix: '{oom}:' });
		const stream = await OpenStream.open(manager, 'a');
		await redis.command('CONFIG', 'SET', 'maxmemory', '1');
		try {
			await manager.send(['a'], frame('too much'));
			await expect(OpenStream.open(manager, 'b')).rejects.toThrow(
				/out of memory\. Raise maxmemory/,
			);
		} finally {
			await redis.command('CONFIG', 'SET', 'maxmemory', '0');
		}
		expect(errors.map(({ message }) => message)).toEqual([
			expect.stringMatching(/sending a message failed: Redis is out of memory/),
		]);
		await manager.send(['a'], frame('fits'));
		await stream.until('fits');
		expect(stream.messages).toEqual(['fits']);
	});

	it('reports a URL of another protocol, and a cluster without a hash tag', () => {
		for (const url of ['https://example.com', 'localhost:6379', '']) {
			expect(() => connectRedis(url)).toThrow(
				'connectRedis needs a URL such as redis://localhost:6379',
			);
		}
		expect(() => connectRedis([])).toThrow('got an empty list');
		const rest = { url: 'redis://localhost', token: 'text' };
		expect(() => connectUpstash(rest)).toThrow('(redis:// is for connectRedis)');
		const cluster = connectRedis(['redis://127.0.0.1:1']);
		expect(() => new RedisStreamSessionManager(cluster, { prefix: 'plain:' })).toThrow(
			'on a cluster, prefix must contain a hash tag such as {tmcp}',
		);
		expect(() => working({ prefix: 'a"b' })).toThrow('prefix must be 1 to 256 printable ASCII');
		expect(() => working({ maxStreamSeconds: 0 })).toThrow('maxStreamSeconds must be a number');
	});
});

describe('what a Redis may do at any time', () => {
	it('serves streams after its scripts were flushed', async () => {
		const manager = working({ prefix: '{flushed}:' });
		const stream = await OpenStream.open(manager, 'a');
		for (const message of ['one', 'two', 'three']) {
			await redis.command('SCRIPT', 'FLUSH');
			await manager.send(['a'], frame(message));
		}
		await stream.until('three');
		expect(stream.messages).toEqual(['one', 'two', 'three']);
	});

	it('announces a gap on streams after its data was flushed', async () => {
		const manager = working({ prefix: '{emptied}:' });
		const stream = await OpenStream.open(manager, 'a');
		await manager.send(['a'], frame('before'));
		await stream.until('before');
		await redis.command('FLUSHALL');
		const resumed = await OpenStream.open(manager, 'a', stream.lastEventId);
		await manager.send(['a'], frame('after'));
		await resumed.until('after');
		expect(resumed.messages).toEqual(['after']);
		expect(resumed.text).toContain(': gap, ');
	});
});

describe('the events of calls', () => {
	it('take no more bytes in a session than its bounds, and a stream that misses some announces a gap', async () => {
		const bounds = { bytes: 20_000, messages: 100 };
		const manager = working({ prefix: '{calls}:', bounds });
		const call = (name: string): string => `call-${name}`;
		const size = async (): Promise<number> => {
			const keys = String(await redis.command('KEYS', '{calls}:call:*')).split(',');
			const usages = await Promise.all(
				keys.filter(Boolean).map((key) => redis.command('MEMORY', 'USAGE', key)),
			);
			return usages.reduce<number>((sum, usage) => sum + Number(usage), 0);
		};
		for (const name of ['one', 'two']) {
			for (let first = 1; first <= 30; first++) {
				const frames = [`id: ${call(name)}:${first}\n${frame('x'.repeat(1_000))}`];
				await manager.keepCall('a', { stream: call(name), first, frames, isComplete: false });
			}
		}
		expect(await size()).toBeLessThan(40_000);
		const sizes = await redis.command('HGET', '{calls}:sizes:a', '*');
		expect(Number(String(sizes))).toBeLessThanOrEqual(bounds.bytes);
		expect(Number(String(sizes))).toBeGreaterThan(bounds.bytes - 2_500);
	});
});

describe('messages', () => {
	it('sends 512 KiB and rejects a byte more', async () => {
		const manager = working({ prefix: '{large}:' });
		const stream = await OpenStream.open(manager, 'a');
		const overhead = JSON.stringify(frame('')).length;
		const largest = 'x'.repeat(512 * 1024 - overhead);
		await manager.send(['a'], frame(largest));
		await stream.until(largest);
		await manager.send(['a'], frame(`${largest}x`));
		await expect(manager.deliver('a', 'é'.repeat(300_000))).rejects.toThrow(
			'a message must have at most 524288 bytes as JSON; got 600002. Send a link',
		);
		expect(errors.map(({ message }) => message)).toEqual([
			expect.stringContaining('at most 524288 bytes as JSON; got 524289'),
		]);
	});

	it('shares nothing between prefixes', async () => {
		const [one, other] = [working({ prefix: '{one}:' }), working({ prefix: '{other}:' })];
		const stream = await OpenStream.open(one, 'a');
		await other.send(undefined, frame('of another prefix'));
		expect(await other.hasOpenStream('a')).toBe(false);
		expect(await other.deliver('a', 'text')).toBe(0);
		await one.send(undefined, frame('own'));
		await stream.until('own');
		expect(stream.messages).toEqual(['own']);
	});
});
