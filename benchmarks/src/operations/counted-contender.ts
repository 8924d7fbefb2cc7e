import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { ContenderIn } from '../contenders.ts';
import { McpClient } from '../mcp-client.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
import type { RunningContenders } from '../start-contenders.ts';
import { countRedis } from './count-redis.ts';
import { countingPlugin } from './counting-plugin.ts';
import { addCounts } from './operation-counts.ts';
import type { OperationCounts } from './operation-counts.ts';

/** A contender whose operations are counted. */
export type CountedContender = ContenderIn<'operations'>;

/** A contender that runs over storage of its own. */
export interface CountedRun {
	readonly client: McpClient;
	readonly running: RunningContenders<CountedContender>;
	/** What was counted since this was last asked, once all work has settled. */
	takeCounts(): Promise<OperationCounts>;
}

/** Starts a contender that is counted, and stops it after `work`. */
export async function withContender<Result>(
	name: CountedContender,
	{ vars, ...options }: NonNullable<Parameters<typeof startContenders>[1]>,
	work: (run: CountedRun) => Promise<Result>,
): Promise<Result> {
	const redis = name === 'ours-upstash' ? await startRedis() : undefined;
	try {
		const running = await startContenders([name], {
			...options,
			plugins: [countingPlugin],
			vars: {
				...vars,
				...(redis && {
					UPSTASH_REDIS_REST_URL: redis.url,
					UPSTASH_REDIS_REST_TOKEN: redis.token,
				}),
			},
		});
		const client = new McpClient(endpoint(running, name));
		const takeCounts = async (): Promise<OperationCounts> => {
			const ofWorker = await countsOf(running.url(name));
			const ofObjects = await countsOf(running.url('objects'));
			return addCounts(ofWorker, ofObjects, redis ? await countRedis(redis) : {});
		};
		try {
			return await work({ client, running, takeCounts });
		} finally {
			client.close();
			await running.stop();
		}
	} finally {
		await redis?.stop();
	}
}

async function countsOf(worker: URL): Promise<OperationCounts> {
	const response = await fetch(new URL('/operations', worker));
	return response.json<OperationCounts>();
}
