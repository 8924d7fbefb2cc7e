import { testSessionStore, testSingleUse } from '@tmcp-sessions/testkit';
import { afterAll, it } from 'vitest';
import { createUpstashFromEnv, UpstashSessionStore } from '../src/index.ts';

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = process.env;

/** The prefix of every key of a run. */
const prefix = `tmcp-test-${crypto.randomUUID()}:`;

// oxlint-disable-next-line vitest/no-conditional-tests -- depends on a configured service
if (url === undefined || token === undefined) {
	// oxlint-disable-next-line vitest/no-disabled-tests -- reports that the run omits it
	it.skip('the live service: needs UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN', () => {});
} else {
	const timeoutMs = 20_000;
	const connect = (): ReturnType<typeof createUpstashFromEnv> =>
		createUpstashFromEnv(process.env, timeoutMs);

	afterAll(async () => {
		const redis = connect();
		let cursor = '0';
		do {
			const [next, keys] = await redis.scan(cursor, { match: `${prefix}*`, count: 1_000 });
			if (keys.length > 0) await redis.del(...keys);
			cursor = next;
		} while (cursor !== '0');
	}, 60_000);

	testSessionStore(
		'UpstashSessionStore, with the live service',
		({ now }) => {
			const redis = connect();
			const key = (id: string): string => `${prefix}session:${encodeURIComponent(id)}`;
			return {
				store: new UpstashSessionStore({ redis, prefix, timeoutMs, now }),
				elsewhere: new UpstashSessionStore({ redis: connect(), prefix, timeoutMs, now }),
				async corrupt(id, text) {
					await redis.set(key(id), text);
				},
				async forgottenAfterSeconds(id) {
					const ms = await redis.pttl(key(id));
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

	testSingleUse('UpstashSessionStore, with the live service', ({ now }) => ({
		singleUse: new UpstashSessionStore({ redis: connect(), prefix, timeoutMs, now }),
		elsewhere: new UpstashSessionStore({ redis: connect(), prefix, timeoutMs, now }),
	}));
}
