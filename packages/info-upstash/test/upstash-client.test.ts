import { openSession } from '@tmcp-sessions/testkit';
import { Redis } from '@upstash/redis';
import { Redis as RedisOfWorkers } from '@upstash/redis/cloudflare';
import { describe, expect, it } from 'vitest';
import { UpstashSessionStore, createUpstashFromEnv } from '../src/index.ts';
import type { UpstashRedis, UpstashVariables } from '../src/index.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

function refusal(variables: UpstashVariables): unknown {
	try {
		return createUpstashFromEnv(variables);
	} catch (error) {
		return error;
	}
}

describe('a client for the store', () => {
	it('is made of the variables of Upstash, or of those that Vercel sets', async () => {
		const { url, token } = redis();
		const { id, record } = openSession();
		const ofUpstash = createUpstashFromEnv({
			UPSTASH_REDIS_REST_URL: url,
			UPSTASH_REDIS_REST_TOKEN: token,
		});
		// A secret often ends in a newline.
		const ofVercel = createUpstashFromEnv({
			KV_REST_API_URL: `${url}\n`,
			KV_REST_API_TOKEN: `${token}\n`,
		});
		await new UpstashSessionStore({ redis: ofUpstash }).create(id, record);
		expect(await new UpstashSessionStore({ redis: ofVercel }).read(id)).toEqual(record);
	});

	it('is made of the variables of the process where none are given', () => {
		expect(refusal({})).toMatchObject({ code: 'configuration' });
		process.env['KV_REST_API_URL'] = redis().url;
		process.env['KV_REST_API_TOKEN'] = redis().token;
		try {
			expect(createUpstashFromEnv()).toBeInstanceOf(Redis);
		} finally {
			delete process.env['KV_REST_API_URL'];
			delete process.env['KV_REST_API_TOKEN'];
		}
	});

	it('takes no URL of one database with the token of another', () => {
		expect(
			refusal({ UPSTASH_REDIS_REST_URL: 'https://a.upstash.io', KV_REST_API_TOKEN: 'hush-hush' }),
		).toMatchObject({
			name: 'TmcpSessionsError',
			code: 'configuration',
			message:
				'[tmcp-sessions/info-upstash] expected the variables UPSTASH_REDIS_REST_URL and ' +
				'UPSTASH_REDIS_REST_TOKEN, or KV_REST_API_URL and KV_REST_API_TOKEN; found ' +
				'UPSTASH_REDIS_REST_URL, KV_REST_API_TOKEN alone. The console of Upstash shows them under REST.',
		});
	});

	it.each([
		['rediss://default:hush-hush@a.upstash.io:6379'],
		['https://default:hush-hush@a.upstash.io'],
		['hush-hush.upstash.io'],
	])('is refused the URL %s, which is not shown', (url) => {
		const error = refusal({ KV_REST_API_URL: url, KV_REST_API_TOKEN: 'secret' });
		expect(error).toMatchObject({
			code: 'configuration',
			message: expect.stringContaining('KV_REST_API_URL should be the URL of a REST API'),
		});
		expect(String(error)).not.toMatch(/hush|secret/);
	});

	it('can be the one of Cloudflare Workers, and any with its own settings', async () => {
		const { id, record } = openSession();
		const { url, token } = redis();
		const clients: UpstashRedis[] = [
			new RedisOfWorkers({ url, token }),
			new Redis({ url, token, responseEncoding: false, enableAutoPipelining: false }),
			new Redis({ url, token, readYourWrites: false, latencyLogging: false }),
		];
		for (const [index, client] of clients.entries()) {
			const store = new UpstashSessionStore({ redis: client });
			const clientInfo = { name: 'Zoë 🚀', version: '1' };
			await store.create(`${id}${index}`, { ...record, clientInfo });
			expect(await store.read(`${id}${index}`)).toEqual({ ...record, clientInfo });
		}
	});
});
