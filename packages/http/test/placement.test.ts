import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { Region } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import { REGIONS, shardOfSession } from '@tmcp-sessions/core/internal';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandlerOptions, PlacementOptions } from '@tmcp-sessions/http';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import { McpServer } from 'tmcp';
import { describe, expect, it } from 'vitest';

function handler(placement?: PlacementOptions, more: McpHandlerOptions = {}) {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{ adapter: undefined, capabilities: { tools: { listChanged: true } } },
	);
	const info = new StoredInfoSessionManager(new InMemorySessionStore());
	const sessionKeys = ['a-key-of-the-tests-32-characters-long-and-more'];
	return createMcpHandler(server, { info, sessionKeys, placement, ...more });
}

/** Creates a request; with `cf`, as Cloudflare delivers it. */
function requestFrom(cf: unknown, method: string, params: object, headers = {}): Request {
	const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
	const request = new Request('https://example.com/mcp', {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			...headers,
		},
		body,
	});
	return cf === undefined ? request : Object.assign(request, { cf });
}

async function shardFrom(mcp: ReturnType<typeof handler>, cf?: unknown): Promise<string> {
	const params = {
		protocolVersion: '2025-06-18',
		capabilities: {},
		clientInfo: { name: 'client', version: '1.0.0' },
	};
	const response = await mcp.fetch(requestFrom(cf, 'initialize', params));
	await response.text();
	expect(response.status).toBe(200);
	return shardOfSession(response.headers.get('mcp-session-id') ?? '');
}

describe('a new session', () => {
	it('is placed in the root shard if the location of its client is unknown', async () => {
		for (const cf of [undefined, null, {}, { country: 'T1' }, 'cf', { continent: 7 }]) {
			expect(await shardFrom(handler(), cf)).toBe('0');
		}
		expect(await shardFrom(handler({}))).toBe('0');
	});

	it('is placed in the region of its client according to Cloudflare', async () => {
		const mcp = handler();
		expect(await shardFrom(mcp, { continent: 'EU', country: 'FR' })).toBe('weur0');
		const seattle = { continent: 'NA', country: 'US', longitude: '-122.33' };
		expect(await shardFrom(mcp, seattle)).toBe('wnam0');
	});

	it('is placed in one of the configured number of shards of its region', async () => {
		const mcp = handler({ shards: 3, region: () => 'oc' });
		const shards = new Set<string>();
		for (let count = 0; count < 60; count++) shards.add(await shardFrom(mcp));
		expect([...shards].toSorted()).toEqual(['oc0', 'oc1', 'oc2']);
	});

	it('gets 500 if `region` returns an invalid region, and reports the valid ones to onError', async () => {
		const errors: string[] = [];
		const onError = (error: Error): void => void errors.push(error.message);
		// Safe because this tests a value that only JavaScript callers can pass.
		const mcp = handler({ region: () => 'mars' as Region }, { onError });
		const params = {
			protocolVersion: '2025-06-18',
			capabilities: {},
			clientInfo: { name: 'c', version: '1' },
		};
		const response = await mcp.fetch(requestFrom(undefined, 'initialize', params));
		expect(response.status).toBe(500);
		expect(await response.text()).not.toContain('mars');
		expect(errors).toEqual([
			`[tmcp-sessions/http] placement: region must return one of ${REGIONS.join(', ')}; got mars`,
		]);
	});

	it.each([0, 257, -1, 1.5, Number.NaN, Infinity, '4'])(
		'rejects %s as the number of shards',
		(shards) => {
			// Safe because this tests a value that only JavaScript callers can pass.
			expect(() => handler({ shards: shards as number })).toThrow(
				`[tmcp-sessions/http] placement: shards must be an integer from 1 to 256; got ${shards}`,
			);
		},
	);
});

describe('a stateless subscription', () => {
	it('is placed like a session, and other stateless requests do not call `region`', async () => {
		const shards: (string | undefined)[] = [];
		const regionCalls: string[] = [];
		const subscriptions = new InMemorySubscriptionManager();
		const create = subscriptions.create.bind(subscriptions);
		subscriptions.create = (...args) => {
			shards.push(currentScope()?.shard, currentScope()?.shard);
			return create(...args);
		};
		const region = ({ method }: Request): Region => {
			regionCalls.push(method);
			return 'me';
		};
		const mcp = handler({ shards: 256, region }, { subscriptions });
		const send = (method: string, params: object): Promise<Response> => {
			const version = '2026-07-28';
			const metadata = {
				'io.modelcontextprotocol/protocolVersion': version,
				'io.modelcontextprotocol/clientCapabilities': {},
				'io.modelcontextprotocol/clientInfo': { name: 'client', version: '1.0.0' },
			};
			const headers = { 'mcp-protocol-version': version, 'mcp-method': method };
			return mcp.fetch(requestFrom(undefined, method, { ...params, _meta: metadata }, headers));
		};
		await (await send('tools/list', {})).text();
		expect(regionCalls).toEqual([]);
		const response = await send('subscriptions/listen', {
			notifications: { toolsListChanged: true },
		});
		expect(response.status).toBe(200);
		await response.body?.cancel();
		expect(shards[0]).toMatch(/^me\d+$/);
		expect(shards[1]).toBe(shards[0]);
		expect(regionCalls).toEqual(['POST']);
	});
});
