import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll } from 'vitest';

import { testContract } from './contract.ts';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

testContract('over TCP', () => connectRedis(`redis://127.0.0.1:${redis.port}`));
