import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll } from 'vitest';

/** One Redis for the tests of a file, started before the first of them. */
export function redisOfThisFile(): () => RunningRedis {
	let running: RunningRedis;
	beforeAll(async () => {
		running = await startRedis();
	}, 30_000);
	afterAll(async () => {
		await running.stop();
	});
	return () => running;
}
