import { createRedisSessionStore } from '@tmcp-sessions/info-redis';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { testSessionStore, testSingleUse } from '@tmcp-sessions/testkit';
import type { Step } from '@tmcp-sessions/testkit';
import type { RedisReply } from '@tmcp-sessions/testkit/redis';
import { testStateStore } from '@tmcp-sessions/testkit/state';

/** The capabilities of the state store. */
const STATE_CAPABILITIES = {
	consistency: 'strong',
	visibleWithinSeconds: 0,
	ttlFloorSeconds: 0,
	maxIdBytes: 1024,
	isAtomic: true,
	canExtend: true,
	maxBytes: 1_000_000,
} as const;

/** Makes each script one step of a store operation. */
function stepped(redis: RedisConnection, step: Step): RedisConnection {
	return {
		publishCommand: redis.publishCommand,
		tellsInstance: redis.tellsInstance,
		timeoutMs: redis.timeoutMs,
		evaluate: (script, keys, args) => step(() => redis.evaluate(script, keys, args)),
		subscribe: (channel, listener) => redis.subscribe(channel, listener),
		close: () => redis.close(),
	};
}

/**
 * Runs the contract suites.
 *
 * @param command sends a command to the node that has the keys.
 */
export function testContract(
	name: string,
	connect: () => RedisConnection,
	command: (name: string, key: string, ...args: string[]) => Promise<RedisReply>,
): void {
	const key = (id: string): string => `{tmcp}:session:${encodeURIComponent(id)}`;
	testSessionStore(
		name,
		({ now }, step) => ({
			store: createRedisSessionStore(stepped(connect(), step), { now }),
			elsewhere: createRedisSessionStore(stepped(connect(), step), { now }),
			async corrupt(id, text) {
				await command('SET', key(id), text);
			},
			async forgottenAfterSeconds(id) {
				const ms = Number(await command('PTTL', key(id)));
				return ms === -2 ? undefined : ms === -1 ? Infinity : ms / 1000;
			},
		}),
		{
			consistency: 'strong',
			visibleWithinSeconds: 0,
			ttlFloorSeconds: 0,
			atomicUpdate: true,
			maxIdBytes: 1024,
		},
	);
	testStateStore(
		name,
		({ now }) => ({
			store: createRedisSessionStore(connect(), { now }).state,
			elsewhere: createRedisSessionStore(connect(), { now }).state,
			async removedAfterSeconds(id) {
				const ms = Number(await command('PTTL', `{tmcp}:state:${encodeURIComponent(id)}`));
				return ms === -2 ? undefined : ms === -1 ? Infinity : ms / 1000;
			},
		}),
		STATE_CAPABILITIES,
	);
	testSingleUse(name, ({ now }) => ({
		singleUse: createRedisSessionStore(connect(), { now }),
		elsewhere: createRedisSessionStore(connect(), { now }),
	}));
}
