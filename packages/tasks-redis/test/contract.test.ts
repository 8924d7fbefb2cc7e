import type { RedisConnection } from '@tmcp-sessions/redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import type { RedisTcpConnection } from '@tmcp-sessions/redis/tcp';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { resolveTasks } from '@tmcp-sessions/tasks/backend';
import { RedisTaskEngine, RedisTaskStore } from '@tmcp-sessions/tasks-redis';
import { startRedis, startRedisCluster } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { testTaskEngine, testTaskStore } from '@tmcp-sessions/testkit/tasks';
import { afterAll, beforeAll, describe } from 'vitest';

let prefixes = 0;

/** Runs the suite of stores. Each connection stands for one process. */
function testStore(name: string, connect: () => RedisConnection): void {
	testTaskStore(
		`RedisTaskStore ${name}`,
		({ now }) => {
			const options = { prefix: `{store-${(prefixes += 1)}}:`, now };
			const connections = [connect(), connect()];
			const [store, elsewhere] = connections.map((redis) => new RedisTaskStore(redis, options));
			if (!store || !elsewhere) throw new Error('unreachable');
			return {
				store,
				elsewhere,
				async close() {
					for (const each of [store, elsewhere, ...connections]) each.close();
				},
			};
		},
		{ consistency: 'strong', maxResultBytes: 1_850_000 },
	);
}

/** Runs both contract suites. */
function testContract(name: string, connect: () => RedisTcpConnection): void {
	testStore(name, connect);

	// Tasks start in a process without a worker, and run in another one.
	testTaskEngine(
		`RedisTaskEngine ${name}`,
		(host, tools) => {
			const prefix = `{engine-${(prefixes += 1)}}:`;
			const tasks = resolveTasks({ tools });
			const processes = [0, 10].map((concurrency) => {
				const redis = connect();
				const store = new RedisTaskStore(redis, { prefix });
				const shared = { redis, store, host, tasks, handler: 'default', stalledMs: 2_000 };
				const engine = new RedisTaskEngine({ ...shared, concurrency });
				engine.startWorker();
				return { redis, store, engine };
			});
			const [web] = processes;
			if (!web) throw new Error('unreachable');
			return {
				engine: web.engine,
				store: web.store,
				async close() {
					await Promise.all(processes.map(({ engine }) => engine.close(100)));
					for (const { redis, store } of processes) {
						store.close();
						redis.close();
					}
				},
			};
		},
		{ maxRunSeconds: null, survivesDeploy: true, steps: true },
	);
}

describe('on one node', () => {
	let url: string;
	let stop: () => Promise<void>;
	beforeAll(async () => {
		const redis = await startRedis();
		url = `redis://127.0.0.1:${redis.port}`;
		stop = () => redis.stop();
	});
	afterAll(() => stop());
	testContract('on one node', () => connectRedis(url));
});

describe('on a cluster', () => {
	let urls: readonly string[];
	let stop: () => Promise<void>;
	beforeAll(async () => {
		const cluster = await startRedisCluster();
		({ urls } = cluster);
		stop = () => cluster.stop();
	});
	afterAll(() => stop());
	testContract('on a cluster', () => connectRedis(urls));
});

// BullMQ needs TCP: over REST, the store works with an engine of your own.
describe('over REST', () => {
	let redis: RunningRedis;
	beforeAll(async () => {
		redis = await startRedis();
	});
	afterAll(() => redis.stop());
	testStore("over Upstash's REST API", () => connectUpstash(redis));
});
