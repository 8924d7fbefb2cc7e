import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll } from 'vitest';

import { testContract } from './contract.ts';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

testContract("over Upstash's REST API", () => connectUpstash(redis));
