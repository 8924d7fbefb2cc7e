import { beforeAll, describe, expect, test } from 'vitest';
import { IDLE_DAY } from '../src/operations/count-operations.ts';
import { countRedisApart, WHOLE_TASK } from '../src/operations/count-redis.ts';
import type { RedisOperations } from '../src/operations/count-redis.ts';
import { readResult } from '../src/reports/results.ts';

let found: RedisOperations;
beforeAll(async () => {
	found = await countRedisApart();
}, 240_000);

/** BullMQ's timers add commands now and then. */
function withoutEngine({ all, ...others }: RedisOperations): object {
	const { [WHOLE_TASK]: _task, ...tcp } = all.tcp;
	return { ...others, all: { tcp, upstash: all.upstash } };
}

describe('the commands that Redis counts', () => {
	test('equal results/redis.json; if not, run npm run operations -- --write', () => {
		expect(withoutEngine(found)).toEqual(withoutEngine(readResult<RedisOperations>('redis')));
	});

	test('of a whole task are within a third of the published ones', () => {
		const published = readResult<RedisOperations>('redis').all.tcp[WHOLE_TASK]?.redisCommands ?? 0;
		const { redisCommands = 0 } = found.all.tcp[WHOLE_TASK] ?? {};
		expect(Math.abs(redisCommands - published)).toBeLessThan(published / 3);
	});

	test.each(['tcp', 'upstash'] as const)(
		'of a message over %s do not depend on the number of streams, and a broadcast is one script',
		(client) => {
			const counts = found.all[client];
			expect(counts['message to 10 of 10,000 streams']).toEqual(
				counts['message to 10 of 100 streams'],
			);
			expect(counts['message to all of 10,000 streams, in 1 process']).toEqual(
				counts['message to all of 100 streams, in 1 process'],
			);
			// One publication for each process more.
			const { redisCommands = 0 } = counts['message to all of 100 streams, in 1 process'] ?? {};
			expect(counts['message to all of 100 streams, in 5 processes']).toEqual({
				redisScripts: 1,
				redisCommands: redisCommands + 4,
			});
		},
	);

	test('of an idle stream over Upstash are fewer than one in five hours', () => {
		expect(found.all.upstash[IDLE_DAY]?.redisCommands).toBeLessThan(24 / 5);
	});

	test('of a stateless subscription are none', () => {
		expect(found.all.upstash['subscriptions/listen']).toEqual({});
	});
});
