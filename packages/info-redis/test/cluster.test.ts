import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { startRedisCluster } from '@tmcp-sessions/testkit/redis';
import type { RunningRedisCluster } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll } from 'vitest';

import { testContract } from './contract.ts';

let cluster: RunningRedisCluster;
let shared: ReturnType<typeof connectRedis> | undefined;

beforeAll(async () => {
	cluster = await startRedisCluster();
});

afterAll(() => cluster.stop());

testContract(
	'RedisSessionStore on a cluster',
	() => (shared ??= connectRedis(cluster.urls)),
	(name, key, ...args) => cluster.command(name, key, ...args),
);
