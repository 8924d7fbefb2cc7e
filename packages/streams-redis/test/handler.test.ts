import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import { startRedis, startRedisPair, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RedisProxy, RunningRedis } from '@tmcp-sessions/testkit/redis';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const PASSWORD = 'a-password-of-the-test';
const KEY = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
/** A response takes at most as long as a command may, and the attempts of an operation. */
const ANSWERED_MS = 15_000;

let redis: RunningRedis;
let proxy: RedisProxy;
let errors: string[] = [];

beforeAll(async () => {
	redis = await startRedis({ requirepass: PASSWORD });
	proxy = await startRedisProxy(redis.port);
});

afterAll(async () => {
	await proxy.stop();
	await redis.stop();
});

beforeEach(() => {
	errors = [];
	proxy.isRefusing = false;
	proxy.isSilent = false;
});

function handlerOf(connection: RedisConnection, maxStreamSeconds?: number): McpHandler {
	const server = new McpServer(
		{ name: 'handler', version: '1.0.0' },
		{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: { listChanged: true } } },
	);
	server.tool({ name: 'announce', description: 'Announces a change of the tools' }, () => {
		server.changed('tools');
		return tool.text('announced');
	});
	// The handler of an earlier test may still report.
	const own = errors;
	const onError = ({ message }: Error): void => void own.push(message);
	const options = { onError, maxStreamSeconds };
	return createMcpHandler(server, {
		sessionKeys: [KEY],
		info: new RedisInfoSessionManager(connection, { onError }),
		streams: new RedisStreamSessionManager(connection, options),
		subscriptions: new RedisSubscriptionManager(connection, options),
		onError,
	});
}

const viaProxy = (timeoutMs?: number): RedisConnection =>
	connectRedis(`redis://:${PASSWORD}@127.0.0.1:${proxy.port}`, { timeoutMs });

interface Sent {
	readonly session?: string | undefined;
	readonly method?: string;
	readonly message?: object;
	readonly headers?: Record<string, string>;
}

/** Sends a request, and rejects if it has no response in time. */
async function send(mcp: McpHandler, sent: Sent): Promise<Response> {
	const { session, method = 'POST', message, headers } = sent;
	const request = new Request('http://127.0.0.1/mcp', {
		method,
		headers: {
			accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
			...(message && { 'content-type': 'application/json' }),
			...(session !== undefined && {
				'mcp-session-id': session,
				'mcp-protocol-version': '2025-11-25',
			}),
			...headers,
		},
		...(message && { body: JSON.stringify({ jsonrpc: '2.0', ...message }) }),
	});
	const late = new Promise<never>((_, reject) => {
		setTimeout(() => reject(new Error(`no response in ${ANSWERED_MS} ms`)), ANSWERED_MS).unref();
	});
	return Promise.race([mcp.fetch(request), late]);
}

const initialize = {
	id: 0,
	method: 'initialize',
	params: {
		protocolVersion: '2025-11-25',
		capabilities: {},
		clientInfo: { name: 'raw', version: '1.0.0' },
	},
};

async function openSession(mcp: McpHandler): Promise<string> {
	const response = await send(mcp, { message: initialize });
	expect(response.status, await response.text()).toBe(200);
	return response.headers.get('mcp-session-id') ?? '';
}

async function expectUnavailable(response: Response): Promise<string> {
	const text = await response.text();
	expect(response.status, text).toBe(503);
	expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
	expect(text).not.toContain(PASSWORD);
	return text;
}

describe('a Redis that is down', () => {
	it('is a 503 with Retry-After at the start, and the session opens later', async () => {
		proxy.isRefusing = true;
		const mcp = handlerOf(viaProxy());
		const text = await expectUnavailable(await send(mcp, { message: initialize }));
		expect(text).toContain('The server cannot reach its session storage; try again later');
		expect(errors.join('\n')).toMatch(/storing a session failed: .*(?:ECONNRESET|closed)/i);
		proxy.isRefusing = false;
		await openSession(mcp);
	});

	it('is a 503 with Retry-After for each method in the middle, and serves the session again', async () => {
		const mcp = handlerOf(viaProxy());
		const session = await openSession(mcp);
		proxy.isRefusing = true;
		proxy.reset();
		const call = { id: 1, method: 'tools/call', params: { name: 'announce', arguments: {} } };
		await expectUnavailable(await send(mcp, { session, message: call }));
		await expectUnavailable(await send(mcp, { session, method: 'GET' }));
		await expectUnavailable(await send(mcp, { session, method: 'DELETE' }));
		proxy.isRefusing = false;
		const response = await send(mcp, { session, message: call });
		expect(await response.text()).toContain('announced');
		expect((await send(mcp, { session, method: 'DELETE' })).status).toBe(200);
	});

	it('is a 503 with Retry-After if it does not answer', async () => {
		const mcp = handlerOf(viaProxy(300));
		proxy.isSilent = true;
		await expectUnavailable(await send(mcp, { message: initialize }));
		expect(errors.join('\n')).toContain('no response within 300 ms');
	});
});

describe('a Redis that rejects its client', () => {
	const narrow = ['ACL', 'SETUSER', 'handler', 'on', '>pw', '~*', '+@all', 'resetchannels'];

	it.each([
		[
			'a wrong password',
			() => connectRedis(`redis://:wrong@127.0.0.1:${redis.port}`),
			/Redis rejected the credentials\. Check .*\(WRONGPASS/,
		],
		[
			'no password',
			() => connectRedis(`redis://127.0.0.1:${redis.port}`),
			/Redis rejected the credentials\. Check .*\(NOAUTH/,
		],
		[
			'a wrong token',
			() => connectUpstash({ url: redis.url, token: 'wrong' }),
			/Redis rejected the credentials\. Check .*\(WRONGPASS/,
		],
	] as const)(
		'is a 503 with Retry-After that names %s to the operator',
		async (_, connect, text) => {
			const mcp = handlerOf(connect());
			await expectUnavailable(await send(mcp, { message: initialize }));
			expect(errors.join('\n')).toMatch(text);
			expect(errors.join('\n')).not.toMatch(/wrong|password-of/);
		},
	);

	it('is a 503 with Retry-After that names a replica to the operator', async () => {
		const pair = await startRedisPair();
		try {
			const mcp = handlerOf(connectRedis(`redis://127.0.0.1:${pair.replica.port}`));
			await expectUnavailable(await send(mcp, { message: initialize }));
			expect(errors.join('\n')).toMatch(/read-only replica\. Connect to the primary \(READONLY/);
		} finally {
			await pair.stop();
		}
	});

	it('is a 503 with Retry-After that names too little memory to the operator', async () => {
		const mcp = handlerOf(viaProxy());
		await redis.command('CONFIG', 'SET', 'maxmemory', '1');
		try {
			await expectUnavailable(await send(mcp, { message: initialize }));
			expect(errors.join('\n')).toMatch(/out of memory\. Raise maxmemory/);
		} finally {
			await redis.command('CONFIG', 'SET', 'maxmemory', '0');
		}
	});

	it('is a 503 with Retry-After for a stream of a user who may not subscribe, and serves calls', async () => {
		await redis.command(...narrow);
		const mcp = handlerOf(connectRedis(`redis://handler:pw@127.0.0.1:${redis.port}`));
		const session = await openSession(mcp);
		await expectUnavailable(await send(mcp, { session, method: 'GET' }));
		expect(errors.join('\n')).toMatch(/Allow scripts, publishing and the channels.*\(NOPERM/);
		const list = { id: 1, method: 'tools/list', params: {} };
		expect((await send(mcp, { session, message: list })).status).toBe(200);
	});
});

describe('maxStreamSeconds of the handler', () => {
	it('ends a GET stream with the delay after which to reconnect, and the client resumes it', async () => {
		const mcp = handlerOf(viaProxy(), 0.2);
		const session = await openSession(mcp);
		const ended = await (await send(mcp, { session, method: 'GET' })).text();
		expect(ended).toMatch(/retry: \d+\n\n$/);
		const id = /^id: (.+)$/m.exec(ended)?.[1] ?? '';
		const call = { id: 1, method: 'tools/call', params: { name: 'announce', arguments: {} } };
		await (await send(mcp, { session, message: call })).text();
		const headers = { 'last-event-id': id };
		const resumed = await (await send(mcp, { session, method: 'GET', headers })).text();
		expect(resumed.match(/notifications\/tools\/list_changed/g)).toHaveLength(1);
		expect(resumed).not.toContain(': gap');
		expect(errors).toEqual([]);
	});

	it('ends a subscription with an empty result', async () => {
		const mcp = handlerOf(viaProxy(), 0.2);
		const meta = {
			'io.modelcontextprotocol/protocolVersion': '2026-07-28',
			'io.modelcontextprotocol/clientCapabilities': {},
			'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
		};
		const response = await send(mcp, {
			headers: {
				'mcp-protocol-version': '2026-07-28',
				'mcp-method': 'subscriptions/listen',
			},
			message: {
				id: 'all',
				method: 'subscriptions/listen',
				params: { notifications: { toolsListChanged: true }, _meta: meta },
			},
		});
		const text = await response.text();
		expect(text).toContain('notifications/subscriptions/acknowledged');
		const messages = [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data));
		expect(messages.at(-1)).toMatchObject({ id: 'all', result: { resultType: 'complete' } });
		expect(errors).toEqual([]);
	});
});
