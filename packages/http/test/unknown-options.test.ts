import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const entry = fileURLToPath(new URL('fixture/misspelt-worker.ts', import.meta.url));

let workers: Workers<'main'>;
beforeAll(async () => {
	workers = await startWorkers({ entry, workers: ['main'], durableObjects: {} });
}, 60_000);
afterAll(() => workers.stop());

async function create(name: string, options: object): Promise<string> {
	const body = JSON.stringify(options);
	const response = await fetch(new URL(`/${name}`, workers.url('main')), { method: 'POST', body });
	return response.text();
}

describe('an option with an unknown name', () => {
	it.each([
		['createMcpHandler', 'stream', 'streams'],
		['createMcpHandler', 'sessionKey', 'sessionKeys'],
		['createMcpHandler', 'Oauth', 'oauth'],
		['createMcpHandler', 'keepaliveSeconds', 'keepAliveSeconds'],
		['createSseHandler', 'endPoint', 'endpoint'],
		['createLegacySse', 'paths', 'path'],
		['createRequestStateCodec', 'lifeTimeSeconds', 'lifetimeSeconds'],
		['createSessionRouter', 'identity', 'identify'],
		['placement', 'shard', 'shards'],
		['InMemorySessionStore', 'forgetAfter', 'forgetAfterSeconds'],
		['InMemoryStreamSessionManager', 'bound', 'bounds'],
		['StoredInfoSessionManager', 'idleSecond', 'idleSeconds'],
		['cachedInfo', 'absoluteSecond', 'absoluteSeconds'],
		['splitInfo', 'absoluteSecond', 'absoluteSeconds'],
		['KVInfoSessionManager', 'administrate', 'administration'],
		['DurableObjectInfoSessionManager', 'jurisdictions', 'jurisdiction'],
		['SealedInfoSessionManager', 'recheckSecond', 'recheckSeconds'],
		['DurableObjectStreamSessionManager', 'openTimeout', 'openTimeoutMs'],
		['DurableObjectSubscriptionManager', 'jurisdictions', 'jurisdiction'],
	])('of %s is rejected: %s, with the nearest known one: %s', async (owner, name, nearest) => {
		const message = await create(owner, { [name]: 1 });
		expect(message).toMatch(/^\[tmcp-sessions\/[a-z-]+\] /);
		expect(message).toContain(`${owner} has no option ${name}; did you mean ${nearest}? It has `);
	});

	it.each([
		['createMcpHandler', 'route', 'path'],
		['createMcpHandler', 'sessionManager', 'streams and info'],
		['createSseHandler', 'sessionManager', 'streams and info'],
		['createSessionRouter', 'binding', 'object'],
		['createSessionRouter', 'route', 'path'],
	])(
		'of another library is rejected by %s: %s, with what does the same here: %s',
		async (owner, name, meant) => {
			const message = await create(owner, { [name]: 1 });
			expect(message).toContain(`${owner} has no option ${name}; did you mean ${meant}? It has `);
		},
	);

	it('is rejected without a guess if no known one is similar', async () => {
		const message = await create('createMcpHandler', { transport: 1 });
		expect(message).toContain('createMcpHandler has no option transport. It has ');
	});

	it('is rejected if a manager takes it and the one for which it is given does not', async () => {
		const message = await create('SealedInfoSessionManager', { idleSeconds: 1 });
		expect(message).toContain('SealedInfoSessionManager has no option idleSeconds');
	});

	it.each(['cachedInfo', 'splitInfo'])('is not one of a part of %s', async (name) => {
		expect(await create(name, { idleSeconds: 60 })).toBe('created');
	});
});
