import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

let redis: RunningRedis;
let env: Record<string, string>;
let servers: ServerProcess[] = [];
let closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
	redis = await startRedis();
	const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
	env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, TMCP_SESSION_KEYS: keys };
	servers = await Promise.all([startServer(env), startServer(env)]);
});

afterEach(async () => {
	await Promise.allSettled(closing.map((close) => close()));
	closing = [];
});

afterAll(async () => {
	await Promise.all(servers.map((server) => server.kill()));
	await redis.stop();
});

type Route = (request: number, init: RequestInit | undefined) => number;

/** Every request goes to the other process than the one before. */
const roundRobin: Route = (request) => request % 2;

interface Connected {
	readonly client: Client;
	readonly transport: StreamableHTTPClientTransport;
	readonly changes: string[];
	text(name: string, args?: object, options?: object): Promise<string>;
}

async function connect(
	route: Route = roundRobin,
	era: 'session' | 'stateless' = 'session',
): Promise<Connected> {
	let requests = 0;
	const changes: string[] = [];
	const client = new Client(
		{ name: 'two-processes', version: '1.0.0' },
		{
			capabilities: { elicitation: { form: {} } },
			...(era === 'stateless' && { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
		},
	);
	client.fallbackNotificationHandler = async ({ method }) => void changes.push(method);
	client.setRequestHandler('elicitation/create', () => ({
		action: 'accept',
		content: { sure: true },
	}));
	const [first] = servers;
	if (!first) throw new Error('no server is running');
	const transport = new StreamableHTTPClientTransport(first.url, {
		fetch: (_url, init) => fetch(servers[route(requests++, init)]?.url ?? '', init),
	});
	await client.connect(transport);
	closing.push(() => client.close());
	return {
		client,
		transport,
		changes,
		async text(name, args = {}, options = {}) {
			const result = await client.callTool({ name, arguments: { ...args } }, options);
			return JSON.stringify(result.content);
		},
	};
}

describe('two processes behind a round-robin proxy', () => {
	it('serve a session together', async () => {
		const { text } = await connect();
		const processes = new Set<string>();
		for (let call = 0; call < 8; call++) processes.add(await text('process'));
		expect(processes.size).toBe(2);
	});

	it('pass a question and its answer to the call, 50 of 50', async () => {
		const { text } = await connect();
		for (let call = 0; call < 50; call++) expect(await text('ask')).toContain('accept true');
	});

	it('pass a cancellation to the call, 20 of 20', async () => {
		const { client } = await connect();
		const counted = async (): Promise<number> => {
			const counts = await Promise.all(servers.map((server) => server.cancelled()));
			return counts.reduce((sum, count) => sum + count, 0);
		};
		const before = await counted();
		const calls = Array.from({ length: 20 }, () => {
			const abort = new AbortController();
			const call = client.callTool({ name: 'wait', arguments: {} }, { signal: abort.signal });
			return { abort, call: call.catch(() => undefined) };
		});
		// A call has an inbox when it is a second old.
		await new Promise((resolve) => setTimeout(resolve, 2_000));
		for (const { abort } of calls) abort.abort();
		await Promise.all(calls.map(({ call }) => call));
		await expect.poll(counted).toBe(before + 20);
	});

	it('announce a change to the streams and subscriptions of both', async () => {
		const sessions = await Promise.all([connect(), connect()]);
		const stateless = await connect(roundRobin, 'stateless');
		await stateless.client.listen({ toolsListChanged: true });
		// The GET stream of a session opens after `initialize`, in the background.
		await new Promise((resolve) => setTimeout(resolve, 1_000));
		await sessions[0]?.text('announce');
		for (const { changes } of [...sessions, stateless]) {
			await expect.poll(() => changes).toContain('notifications/tools/list_changed');
		}
	});

	it('end a session together', async () => {
		const { transport, client } = await connect();
		const { sessionId } = transport;
		expect(sessionId).toBeTruthy();
		await transport.terminateSession();
		for (const { url } of servers) {
			const response = await fetch(url, {
				method: 'POST',
				headers: {
					'content-type': 'application/json',
					accept: 'application/json, text/event-stream',
					'mcp-session-id': sessionId ?? '',
					'mcp-protocol-version': '2025-11-25',
				},
				body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
			});
			expect(response.status).toBe(404);
		}
		await client.close();
	});
});

describe('a call whose connection breaks', () => {
	it('is resumed in the other process, with each event once', async () => {
		// GET requests go to the other process than POST requests, which run the call.
		let abort: AbortController | undefined;
		let requests = 0;
		const seen: number[] = [];
		const client = new Client({ name: 'resuming', version: '1.0.0' });
		const [first, second] = servers;
		const transport = new StreamableHTTPClientTransport(first?.url ?? new URL('http://localhost'), {
			fetch(_url, init) {
				requests += 1;
				if (init?.method === 'GET') return fetch(second?.url ?? '', init);
				const isCall = typeof init?.body === 'string' && init.body.includes('"count"');
				if (isCall) abort = new AbortController();
				const signals = [init?.signal, isCall ? abort?.signal : undefined].filter((each) => !!each);
				return fetch(first?.url ?? '', { ...init, signal: AbortSignal.any(signals) });
			},
		});
		await client.connect(transport);
		closing.push(() => client.close());
		const calling = client.callTool(
			{ name: 'count', arguments: { until: 40 } },
			{ onprogress: ({ progress }) => seen.push(progress), timeout: 20_000 },
		);
		await expect.poll(() => seen.length).toBeGreaterThan(15);
		abort?.abort();
		const result = await calling;
		expect(JSON.stringify(result.content)).toContain('counted to 40');
		expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
		expect(requests).toBeGreaterThan(3);
	});
});
