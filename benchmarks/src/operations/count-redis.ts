import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import type { OperationCounts } from './operation-counts.ts';

/**
 * What came in at the REST protocol and what Redis has run for it since this was last asked. Redis
 * counts a script as one command and each command in it as one more; so does Upstash's bill.
 *
 * @see https://upstash.com/docs/redis/sdks/ratelimit-ts/costs
 */
export async function countRedis(redis: RunningRedis): Promise<OperationCounts> {
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

/** The sum of the calls in lines as `cmdstat_get:calls=2,usec=…`, without those that ask for them. */
function commandsRun(stats: string): number {
	return [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
		.filter(([, name]) => !['info', 'config|resetstat', 'client|setinfo'].includes(name ?? ''))
		.reduce((sum, [, , calls]) => sum + Number(calls), 0);
}
