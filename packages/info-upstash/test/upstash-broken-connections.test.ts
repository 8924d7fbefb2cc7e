import { openSession } from '@tmcp-sessions/testkit';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createUpstashFromEnv, UpstashSessionStore } from '../src/index.ts';
import { failureOf, PACKAGE, TOKEN } from './failures.ts';
import { misbehavingService } from './misbehaving-service.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

describe('a broken connection', () => {
	it('is retried, which succeeds if it breaks once', async () => {
		let broken = 0;
		const service = await misbehavingService((request, response) => {
			if (broken++ === 0) request.socket.destroy();
			else response.end('[{"result":null}]');
		});
		const env = { KV_REST_API_URL: service.url, KV_REST_API_TOKEN: TOKEN };
		const store = new UpstashSessionStore({ redis: createUpstashFromEnv(env) });
		expect(await store.read('an id')).toBeUndefined();
		expect(service.requests()).toBe(2);
	});

	it('does not lose a claim whose response was lost', async () => {
		let broken = 0;
		const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
			const { url = '', method = '', headers } = request;
			const { authorization = '' } = headers;
			const answer = await fetch(redis().url + url, {
				method,
				headers: { authorization, 'content-type': 'application/json' },
				body: await text(request),
			});
			if (broken++ === 0) request.socket.destroy();
			else response.end(await answer.text());
		};
		const service = await misbehavingService((...exchange) => void forward(...exchange));
		const { id, record } = openSession();
		const env = { KV_REST_API_URL: service.url, KV_REST_API_TOKEN: redis().token };
		const store = new UpstashSessionStore({ redis: createUpstashFromEnv(env) });
		expect(await store.claim(id, record.expiresAtMs)).toBe(true);
		expect(service.requests()).toBe(2);
		expect(await store.claim(id, record.expiresAtMs)).toBe(false);
	});

	it('rejects with a StoreError after three attempts', async () => {
		const service = await misbehavingService((request) => request.socket.destroy());
		const env = { KV_REST_API_URL: service.url, KV_REST_API_TOKEN: TOKEN };
		const store = new UpstashSessionStore({ redis: createUpstashFromEnv(env) });
		const { message } = await failureOf(store.read('an id'), 'an id');
		const { host } = new URL(service.url);
		expect(message).toBe(
			`${PACKAGE} reading a session failed: fetch failed (UND_ERR_SOCKET) (host ${host})`,
		);
		expect(service.requests()).toBe(3);
	});
});
