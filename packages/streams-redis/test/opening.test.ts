import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { RedisStreamSessionManager } from '@tmcp-sessions/streams-redis';
import { OpenStream } from '@tmcp-sessions/testkit';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { frame, gapsOf, numbered } from './numbered.ts';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

const connections: readonly (readonly [string, () => RedisConnection])[] = [
	['over TCP', () => connectRedis(`redis://127.0.0.1:${redis.port}`)],
	['over REST', () => connectUpstash(redis)],
];

describe.each(connections)('messages that are sent while a stream opens %s', (name, connect) => {
	it('reach a stream that resumes in a process without a subscription, each once and in order', async () => {
		for (let round = 0; round < 10; round++) {
			const options = { prefix: `{opening-${name.at(-1)}-${round}}:`, onError: () => {} };
			const sender = new RedisStreamSessionManager(connect(), options);
			const before = await OpenStream.open(sender, 'a');
			await sender.send(['a'], frame('seen'));
			await before.until('seen');
			await before.cancel();
			const fresh = new RedisStreamSessionManager(connect(), options);
			const sent = numbered('message', 60);
			const sending = (async () => {
				for (const [index, message] of sent.entries()) {
					await sender.send(index % 3 === 0 ? undefined : ['a'], frame(message));
				}
			})();
			const resumed = await OpenStream.open(fresh, 'a', before.lastEventId);
			await sending;
			await resumed.until('"message 59"');
			expect(resumed.messages).toEqual(sent);
			expect(gapsOf(resumed)).toEqual([]);
			await resumed.cancel();
		}
	});
});
