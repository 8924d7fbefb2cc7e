import { testSessionStore, testSingleUse } from '@tmcp-sessions/testkit';
import type { Step } from '@tmcp-sessions/testkit';
import { testStateStore } from '@tmcp-sessions/testkit/state';
import { Redis } from '@upstash/redis';
import { describe } from 'vitest';
import type { UpstashRedis } from '../src/upstash-client.ts';
import { UpstashSessionStore } from '../src/upstash-session-store.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

/** Wraps a client so that each of its HTTP requests is one step of a store operation. */
function steppedRedis(client: UpstashRedis, step: Step): UpstashRedis {
	return {
		pipeline() {
			const pipeline = client.pipeline();
			return {
				getex: (key) => pipeline.getex(key),
				eval: (script, keys, args) => pipeline.eval(script, keys, args),
				exec: () => step(() => pipeline.exec()),
			};
		},
	};
}

describe.each([
	['that does not parse its responses', { automaticDeserialization: false }, ''],
	// Such a client cannot distinguish the text null from no value: the corrupt text is in a field.
	['that parses its responses, which is the default', {}, 'createdAtMs='],
])('with a client %s', (_, settings, field) => {
	testSessionStore(
		'UpstashSessionStore',
		({ now }, step) => {
			const client = (): UpstashRedis => steppedRedis(new Redis({ ...redis(), ...settings }), step);
			const key = (id: string): string => `{tmcp}:session:${encodeURIComponent(id)}`;
			return {
				store: new UpstashSessionStore({ redis: client(), now }),
				elsewhere: new UpstashSessionStore({ redis: client(), now }),
				async corrupt(id, text) {
					await redis().command('SET', key(id), field + text);
				},
				async forgottenAfterSeconds(id) {
					const ms = Number(await redis().command('PTTL', key(id)));
					return ms === -2 ? undefined : ms === -1 ? Infinity : ms / 1000;
				},
			};
		},
		{
			consistency: 'strong',
			visibleWithinSeconds: 0,
			ttlFloorSeconds: 0,
			atomicUpdate: true,
			maxIdBytes: 1024,
		},
	);

	testStateStore(
		'UpstashSessionStore',
		({ now }) => {
			const client = (): Redis => new Redis({ ...redis(), ...settings });
			return {
				store: new UpstashSessionStore({ redis: client(), now }).state,
				elsewhere: new UpstashSessionStore({ redis: client(), now }).state,
				async removedAfterSeconds(id) {
					const key = `{tmcp}:state:${encodeURIComponent(id)}`;
					const ms = Number(await redis().command('PTTL', key));
					return ms === -2 ? undefined : ms === -1 ? Infinity : ms / 1000;
				},
			};
		},
		{
			consistency: 'strong',
			visibleWithinSeconds: 0,
			ttlFloorSeconds: 0,
			maxIdBytes: 1024,
			isAtomic: true,
			canExtend: true,
			maxBytes: 1_000_000,
		},
	);

	testSingleUse('UpstashSessionStore', ({ now }) => {
		const client = (): Redis => new Redis({ ...redis(), ...settings });
		return {
			singleUse: new UpstashSessionStore({ redis: client(), now }),
			elsewhere: new UpstashSessionStore({ redis: client(), now }),
		};
	});
});
