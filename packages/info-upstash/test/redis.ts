import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll } from 'vitest';

/** Starts one Redis before the tests of a file and stops it after them. */
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
