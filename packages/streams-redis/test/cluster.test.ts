import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { startRedisCluster } from '@tmcp-sessions/testkit/redis';
import type { RunningRedisCluster } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll } from 'vitest';

import { testContract } from './contract.ts';

let cluster: RunningRedisCluster;

beforeAll(async () => {
	cluster = await startRedisCluster();
});

afterAll(() => cluster.stop());

testContract('on a cluster', () => connectRedis(cluster.urls));
