import { join } from 'node:path';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import type { Plugin } from 'esbuild';
import { McpClient } from '../client/mcp.ts';
import type { Contender, ContenderIn } from '../contenders.ts';
import { endpoint, startContenders } from '../runtime.ts';
import type { RunningContenders } from '../runtime.ts';
import { addCounts } from './counts.ts';
import type { OperationCounts } from './counts.ts';

/** A contender whose operations are counted. */
export type CountedContender = ContenderIn<'operations'>;

/** A running contender whose operations are counted. */
export interface CountedRun extends AsyncDisposable {
	readonly client: McpClient;
	readonly running: RunningContenders<CountedContender>;
	/** Waits for operations in flight and returns the counts since the previous call. */
	takeCounts(): Promise<OperationCounts>;
}

const countedWorkers = join(import.meta.dirname, 'counted-workers.ts');

/** Replaces `cloudflare:workers` by counted bindings, and adds `/operations` to each Worker. */
export const countingPlugin: Plugin = {
	name: 'count-operations',
	setup(build) {
		build.onResolve({ filter: /^cloudflare:workers$/ }, ({ importer }) =>
			importer === countedWorkers ? { external: true } : { path: countedWorkers },
		);
		build.onResolve({ filter: /^/ }, ({ kind, path }) =>
			kind === 'entry-point' ? { path, namespace: 'counted' } : undefined,
		);
		build.onLoad({ filter: /^/, namespace: 'counted' }, ({ path }) => ({
			resolveDir: import.meta.dirname,
			contents: [
				`import worker from ${JSON.stringify(path)};`,
				`import { countedWorker } from ${JSON.stringify(countedWorkers)};`,
				`export * from ${JSON.stringify(path)};`,
				'export default countedWorker(worker);',
			].join('\n'),
		}));
	},
};

/** Starts a counted contender over its own storage. */
export async function startCounted(
	name: CountedContender,
	{ vars, keepObjects }: { vars?: Record<string, string>; keepObjects: boolean },
): Promise<CountedRun> {
	await using stack = new AsyncDisposableStack();
	const redis = name === 'ours-upstash' ? await startRedis() : undefined;
	stack.defer(() => redis?.stop());
	const redisVars = redis && {
		UPSTASH_REDIS_REST_URL: redis.url,
		UPSTASH_REDIS_REST_TOKEN: redis.token,
	};
	const options = { keepObjects, plugins: [countingPlugin], vars: { ...vars, ...redisVars } };
	const running = stack.use(await startContenders([name], options));
	const client = new McpClient(endpoint(running, name));
	stack.defer(() => client.close());
	const takeCounts = async (): Promise<OperationCounts> =>
		addCounts(await takeBindingCounts(running, name), redis ? await takeRedisCounts(redis) : {});
	const started = stack.move();
	const stop = (): Promise<void> => started.disposeAsync();
	return { client, running, takeCounts, [Symbol.asyncDispose]: stop };
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
	// Lines such as `cmdstat_get:calls=2,usec=…`.
	const stats = String(await redis.command('INFO', 'commandstats'));
	await redis.command('CONFIG', 'RESETSTAT');
	const redisCommands = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
		.filter(([, name]) => !['info', 'config|resetstat', 'client|setinfo'].includes(name ?? ''))
		.reduce((sum, [, , calls]) => sum + Number(calls), 0);
	return { redisReads: commands.length - redisScripts, redisScripts, redisCommands };
}
