import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager } from '@tmcp-sessions/streams-redis';
import { OpenStream } from '@tmcp-sessions/testkit';
import { startRedis, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RedisProxy, RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { frame, gapsOf } from './numbered.ts';

/** A process gives up after 30 seconds. */
const TEST_MS = 90_000;

let redis: RunningRedis;
let proxy: RedisProxy;

beforeAll(async () => {
	redis = await startRedis();
	proxy = await startRedisProxy(redis.port);
});

afterAll(async () => {
	await proxy.stop();
	await redis.stop();
});

it(
	'ends the streams of a process that does not reach Redis, reports it once, and loses nothing',
	async () => {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		const connection = connectRedis(`redis://127.0.0.1:${proxy.port}`);
		const manager = new RedisStreamSessionManager(connection, { onError });
		const other = new RedisStreamSessionManager(connectRedis(`redis://127.0.0.1:${redis.port}`));
		const sessions = ['a', 'b', 'c'];
		const streams = await Promise.all(sessions.map((id) => OpenStream.open(manager, id)));
		proxy.isRefusing = true;
		proxy.reset();
		await Promise.all(streams.map(({ ended }) => ended));
		for (const { text } of streams) expect(text).toMatch(/retry: \d+\n\n$/);
		await other.send(undefined, frame('missed'));
		proxy.isRefusing = false;
		for (const [index, id] of sessions.entries()) {
			const resumed = await OpenStream.open(manager, id, streams[index]?.lastEventId);
			await other.send([id], frame('live'));
			await resumed.until('live');
			expect(resumed.messages).toEqual(['missed', 'live']);
			expect(gapsOf(resumed)).toEqual([]);
		}
		expect(errors.map(({ message }) => message)).toEqual([
			expect.stringMatching(/holding 3 streams failed: /),
		]);
	},
	TEST_MS,
);
