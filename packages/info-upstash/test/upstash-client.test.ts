import { openSession } from '@tmcp-sessions/testkit';
import { Redis } from '@upstash/redis';
import { Redis as RedisOfWorkers } from '@upstash/redis/cloudflare';
import { describe, expect, it } from 'vitest';
import { UpstashSessionStore, createUpstashFromEnv } from '../src/index.ts';
import type { UpstashRedis, UpstashVariables } from '../src/index.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

function errorOf(variables: UpstashVariables): unknown {
	try {
		return createUpstashFromEnv(variables);
	} catch (error) {
		return error;
	}
}

describe('createUpstashFromEnv', () => {
	it('accepts the variables of Upstash and those of Vercel', async () => {
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

	it('reads process.env by default', () => {
		expect(errorOf({})).toMatchObject({ code: 'configuration' });
		process.env['KV_REST_API_URL'] = redis().url;
		process.env['KV_REST_API_TOKEN'] = redis().token;
		try {
			expect(createUpstashFromEnv()).toBeInstanceOf(Redis);
		} finally {
			delete process.env['KV_REST_API_URL'];
			delete process.env['KV_REST_API_TOKEN'];
		}
	});

	it('does not combine a URL and a token of different pairs', () => {
		expect(
			errorOf({ UPSTASH_REDIS_REST_URL: 'https://a.upstash.io', KV_REST_API_TOKEN: 'hush-hush' }),
		).toMatchObject({
			name: 'TmcpSessionsError',
			code: 'configuration',
			message:
				'[tmcp-sessions/info-upstash] set the variables UPSTASH_REDIS_REST_URL and ' +
				'UPSTASH_REDIS_REST_TOKEN, or KV_REST_API_URL and KV_REST_API_TOKEN; got only ' +
				'UPSTASH_REDIS_REST_URL, KV_REST_API_TOKEN. The console of Upstash shows them under REST.',
		});
	});

	it.each([
		['rediss://default:hush-hush@a.upstash.io:6379'],
		['https://default:hush-hush@a.upstash.io'],
		['hush-hush.upstash.io'],
	])('rejects the URL %s without revealing it', (url) => {
		const error = errorOf({ KV_REST_API_URL: url, KV_REST_API_TOKEN: 'secret' });
		expect(error).toMatchObject({
			code: 'configuration',
			message: expect.stringContaining('KV_REST_API_URL must be the URL of a REST API'),
		});
		expect(String(error)).not.toMatch(/hush|secret/);
	});
});

describe('UpstashSessionStore', () => {
	it('accepts the client for Cloudflare Workers, and clients with other settings', async () => {
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
