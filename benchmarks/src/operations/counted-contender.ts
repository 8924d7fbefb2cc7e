import { dirname, join } from 'node:path';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import type { Plugin } from 'esbuild';
import { McpClient } from '../client/mcp-client.ts';
import type { Contender, ContenderIn } from '../contenders.ts';
import { endpoint, startContenders } from '../runtime/start-contenders.ts';
import type { RunningContenders } from '../runtime/start-contenders.ts';
import { addCounts } from './operation-counts.ts';
import type { OperationCounts } from './operation-counts.ts';

/** A contender whose operations are counted. */
export type CountedContender = ContenderIn<'operations'>;

/** A running contender whose operations are counted. */
export interface CountedRun {
	readonly client: McpClient;
	readonly running: RunningContenders<CountedContender>;
	/** Waits for operations in flight and returns the counts since the previous call. */
	takeCounts(): Promise<OperationCounts>;
}

const folder = join(import.meta.dirname, 'counting');
const countedBindings = join(folder, 'counted-bindings.ts');

/** Replaces `cloudflare:workers` by counted bindings, and adds `/operations` to each Worker. */
export const countingPlugin: Plugin = {
	name: 'count-operations',
	setup(build) {
		build.onResolve({ filter: /^cloudflare:workers$/ }, ({ importer }) =>
			importer === countedBindings ? { external: true } : { path: countedBindings },
		);
		build.onResolve({ filter: /\/observe-store\.ts$/ }, () => ({
			path: join(folder, 'observe-store.ts'),
		}));
		build.onResolve({ filter: /^/ }, ({ kind, path }) =>
			kind === 'entry-point' ? { path, namespace: 'counted' } : undefined,
		);
		build.onLoad({ filter: /^/, namespace: 'counted' }, ({ path }) => ({
			resolveDir: dirname(folder),
			contents: [
				`import worker from ${JSON.stringify(path)};`,
				`import { countedWorker } from ${JSON.stringify(join(folder, 'counted-worker.ts'))};`,
				`export * from ${JSON.stringify(path)};`,
				'export default countedWorker(worker);',
			].join('\n'),
		}));
	},
};

/** Starts a counted contender over its own storage, and stops it after `use`. */
export async function withContender<Result>(
	name: CountedContender,
	{ vars, ...options }: NonNullable<Parameters<typeof startContenders>[1]>,
	use: (run: CountedRun) => Promise<Result>,
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
		const takeCounts = async (): Promise<OperationCounts> =>
			addCounts(await takeBindingCounts(running, name), redis ? await takeRedisCounts(redis) : {});
		try {
			return await use({ client, running, takeCounts });
		} finally {
			client.close();
			await running.stop();
		}
	} finally {
		await redis?.stop();
	}
}

/** Waits for operations in flight, and returns what a contender and its objects did since the previous call. */
export async function takeBindingCounts<Name extends Contender>(
	running: RunningContenders<Name>,
	name: Name,
): Promise<OperationCounts> {
	const counts: OperationCounts[] = [];
	// In this order: the objects may still be at work when the Worker is done.
	for (const worker of [name, 'objects'] as const) {
		const response = await fetch(new URL('/operations', running.url(worker)));
		counts.push(await response.json<OperationCounts>());
	}
	return addCounts(...counts);
}

/**
 * Returns the requests that arrived at the REST protocol since the previous call, and the commands that
 * Redis ran for them. Redis counts a script as one command and each command in it as one more, and so
 * does Upstash's bill: https://upstash.com/docs/redis/sdks/ratelimit-ts/costs
 */
async function takeRedisCounts(redis: RunningRedis): Promise<OperationCounts> {
	const commands = redis.takeRequests().flatMap((request) => request.commands);
	const redisScripts = commands.filter((name) => name === 'EVAL').length;
	const stats = String(await redis.command('INFO', 'commandstats'));
	await redis.command('CONFIG', 'RESETSTAT');
	return {
		redisReads: commands.length - redisScripts,
		redisScripts,
		redisCommands: commandsRun(stats),
	};
}

/** Adds up lines such as `cmdstat_get:calls=2,usec=…`, except the commands that read the statistics. */
function commandsRun(stats: string): number {
	return [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
		.filter(([, name]) => !['info', 'config|resetstat', 'client|setinfo'].includes(name ?? ''))
		.reduce((sum, [, , calls]) => sum + Number(calls), 0);
}
