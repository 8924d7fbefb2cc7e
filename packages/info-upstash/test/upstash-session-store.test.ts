import { testSessionStore, testSingleUse } from '@tmcp-sessions/testkit';
import { Redis } from '@upstash/redis';
import { describe } from 'vitest';
import { UpstashSessionStore } from '../src/upstash-session-store.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

describe.each([
	['that does not parse its responses', { automaticDeserialization: false }, ''],
	// Such a client cannot distinguish the text null from no value: the corrupt text is in a field.
	['that parses its responses, which is the default', {}, 'createdAtMs='],
])('with a client %s', (_, settings, field) => {
	testSessionStore(
		'UpstashSessionStore',
		({ now }) => {
			const client = (): Redis => new Redis({ ...redis(), ...settings });
			const key = (id: string): string => `tmcp:session:${encodeURIComponent(id)}`;
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

	testSingleUse('UpstashSessionStore', ({ now }) => {
		const client = (): Redis => new Redis({ ...redis(), ...settings });
		return {
			singleUse: new UpstashSessionStore({ redis: client(), now }),
			elsewhere: new UpstashSessionStore({ redis: client(), now }),
		};
	});
});
