import {
	Client as StatelessClient,
	StreamableHTTPClientTransport as StatelessTransport,
} from '@modelcontextprotocol/client';
import { resultFromTaskOutcome, withTasks } from '@modelcontextprotocol/ext-tasks/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installProject } from './installed-project.ts';
import type { InstalledProject } from './installed-project.ts';
import { startServer } from './server-process.ts';
import { createTaskPort } from './task-port.ts';
import type { Runtime, ServerProcess } from './server-process.ts';

const RUNTIMES: Runtime[] = ['node', 'deno', 'bun', 'edge'];
/** Longer than Bun's default idle timeout of ten seconds. */
const SILENCE_MS = 14_000;

/** A JSON-RPC request without its `jsonrpc` and `id`. */
interface RequestBody {
	readonly method: string;
	readonly params: Readonly<Record<string, unknown>>;
}
const WHOAMI: RequestBody = { method: 'tools/call', params: { name: 'whoami' } };
const ANNOUNCE: RequestBody = { method: 'tools/call', params: { name: 'announce' } };

const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
let project: InstalledProject;
let redis: RunningRedis;

/** A server without a database and an idle stream of it. */
interface IdleStream {
	readonly server: ServerProcess;
	readonly sessionId: string;
	readonly stream: Response;
	readonly openedAtMs: number;
}
/** Opened before the other tests and read after them, so that no test has to wait. */
const idleStreams = new Map<Runtime, IdleStream>();

beforeAll(async () => {
	[project, redis] = await Promise.all([installProject(), startRedis()]);
	for (const runtime of RUNTIMES) {
		const server = await start(runtime, 'no-database');
		const sessionId = await openSession(server);
		const stream = await request(server, 'GET', sessionId);
		idleStreams.set(runtime, { server, sessionId, stream, openedAtMs: performance.now() });
	}
});
afterAll(async () => {
	for (const { server } of idleStreams.values()) await server.stop();
	await redis.stop();
	await project.remove();
});

/** Starts a process that shares only the key, and the database if there is one. */
function start(runtime: Runtime, storage: 'no-database' | 'redis' | 'tcp'): Promise<ServerProcess> {
	return startServer(runtime, project.directory, {
		TMCP_SESSION_KEYS: key,
		...(storage === 'tcp' && { REDIS_URL: `redis://127.0.0.1:${redis.port}` }),
		...(storage === 'redis' && {
			UPSTASH_REDIS_REST_URL: redis.url,
			UPSTASH_REDIS_REST_TOKEN: redis.token,
		}),
	});
}

function idleStreamOf(runtime: Runtime): IdleStream {
	const idle = idleStreams.get(runtime);
	if (!idle) throw new Error(`${runtime} was not started`);
	return idle;
}

interface Visitor {
	readonly client: Client;
	readonly transport: StreamableHTTPClientTransport;
	/** Calls a tool and returns its content as JSON. */
	call(name: string): Promise<string>;
}

/** Connects the official client; with a session id it continues that session. */
async function connect({ url }: ServerProcess, sessionId?: string): Promise<Visitor> {
	const client = new Client({ name: 'visitor', version: '1.0.0' });
	const session = sessionId === undefined ? {} : { sessionId };
	const transport = new StreamableHTTPClientTransport(url, session);
	await client.connect(transport);
	const call = async (name: string): Promise<string> =>
		JSON.stringify((await client.callTool({ name })).content);
	return { client, transport, call };
}

/** Counts the changes of the tools that a client receives. */
function countChanges(client: Client): () => number {
	let changes = 0;
	client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
		changes += 1;
	});
	return () => changes;
}

type Method = 'DELETE' | 'GET' | 'POST';

function request(
	{ url }: ServerProcess,
	method: Method,
	sessionId = '',
	body = WHOAMI,
	headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
	return fetch(url, {
		method,
		headers: {
			accept: 'application/json, text/event-stream',
			'content-type': 'application/json',
			...(sessionId !== '' && { 'mcp-session-id': sessionId }),
			...headers,
		},
		...(method === 'POST' && { body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }) }),
	});
}

async function statusOf(...args: Parameters<typeof request>): Promise<number> {
	const response = await request(...args);
	await response.body?.cancel();
	return response.status;
}

/** Opens a session without a GET stream: messages go to the newest stream, which a test opens. */
async function openSession(at: ServerProcess): Promise<string> {
	const clientInfo = { name: 'visitor', version: '1.0.0' };
	const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
	const response = await request(at, 'POST', '', { method: 'initialize', params });
	await response.body?.cancel();
	return response.headers.get('mcp-session-id') ?? '';
}

/** Reads a stream until it contains this text or ends. */
async function readUntil(expected: string, stream: Response): Promise<string> {
	const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';
	for (let ended = false; !ended && !text.includes(expected);) {
		const { done = true, value = '' } = (await reader?.read()) ?? {};
		text += value;
		ended = done;
	}
	await reader?.cancel();
	return text;
}

describe.each(RUNTIMES)('a process of %s without variables', (runtime) => {
	it.each<[missing: string, variables: Record<string, string>]>([
		['TMCP_SESSION_KEYS', {}],
		['UPSTASH_REDIS_REST_TOKEN', { TMCP_SESSION_KEYS: key, UPSTASH_REDIS_REST_URL: 'https://a.b' }],
	])('starts, and names %s at the first request', async (missing, variables) => {
		const server = await startServer(runtime, project.directory, variables);
		try {
			expect(server.output()).not.toContain(missing);
			const response = await request(server, 'POST');
			expect(response.status).toBe(500);
			expect(await response.text()).toContain('see its log');
			await expect.poll(server.output).toContain(missing);
		} finally {
			await server.stop();
		}
	});
});

describe.each(RUNTIMES)('two processes of %s over one database', (runtime) => {
	let here: ServerProcess;
	let there: ServerProcess;

	beforeAll(async () => {
		[here, there] = await Promise.all([start(runtime, 'redis'), start(runtime, 'redis')]);
	});
	afterAll(() => Promise.all([here.stop(), there.stop()]));

	it('know a session of the other and its log level', async () => {
		const { client, transport } = await connect(here);
		await client.setLoggingLevel('debug');
		const elsewhere = await connect(there, transport.sessionId);
		expect(await elsewhere.call('whoami')).toContain('visitor, level debug');
		await Promise.all([client.close(), elsewhere.client.close()]);
	});

	it('deliver a notification to a GET stream that a tool raised before it returned', async () => {
		const { client, call } = await connect(here);
		const changes = countChanges(client);
		// The client does not report when its stream is open: announce until a notification arrives.
		const announce = async (): Promise<number> => {
			await call('announce');
			return changes();
		};
		await expect.poll(announce).toBeGreaterThan(0);
		await client.close();
	});

	it('deliver a notification of one process to a GET stream in the other, and replay what it missed', async () => {
		const sessionId = await openSession(here);
		const change = 'notifications/tools/list_changed';
		const first = await readUntil('id: ', await request(there, 'GET', sessionId));
		await statusOf(here, 'POST', sessionId, ANNOUNCE);
		const headers = { 'last-event-id': /^id: (.+)$/m.exec(first)?.[1] ?? '' };
		const resumed = await request(there, 'GET', sessionId, WHOAMI, headers);
		expect(await readUntil(change, resumed)).toContain(change);
	});

	it('serve the official client behind a proxy that takes turns', async () => {
		let requests = 0;
		const client = new Client({ name: 'visitor', version: '1.0.0' });
		const transport = new StreamableHTTPClientTransport(here.url, {
			fetch: (_url, init) => fetch((requests++ % 2 === 0 ? here : there).url, init),
		});
		const changes = countChanges(client);
		await client.connect(transport);
		const announce = async (): Promise<number> => {
			await client.callTool({ name: 'announce' });
			return changes();
		};
		await expect.poll(announce).toBeGreaterThan(1);
		await client.close();
	});

	it('both reject a session that was ended on one of them', async () => {
		const { client, transport } = await connect(here);
		const { sessionId = '' } = transport;
		await transport.terminateSession();
		for (const at of [here, there]) {
			expect(await statusOf(at, 'POST', sessionId)).toBe(404);
			expect(await statusOf(at, 'GET', sessionId)).toBe(404);
		}
		await client.close();
	});

	it('reject a forged id without a storage request', async () => {
		const sessionId = await openSession(here);
		const forged = sessionId.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
		redis.takeRequests();
		for (const at of [here, there]) {
			for (const method of ['POST', 'GET', 'DELETE'] as const)
				expect(await statusOf(at, method, forged)).toBe(404);
		}
		expect(redis.takeRequests()).toEqual([]);
	});

	it('serve a 2026-07-28 client, whose subscription receives a change', async () => {
		const client = new StatelessClient(
			{ name: 'stateless-client', version: '1.0.0' },
			{ versionNegotiation: { mode: { pin: '2026-07-28' } } },
		);
		let changes = 0;
		client.setNotificationHandler('notifications/tools/list_changed', () => {
			changes += 1;
		});
		await client.connect(new StatelessTransport(here.url));
		const subscription = await client.listen({ toolsListChanged: true });
		const { content } = await client.callTool({ name: 'whoami' });
		expect(JSON.stringify(content)).toContain('stateless-client');
		await statusOf(there, 'POST', await openSession(there), ANNOUNCE);
		await expect.poll(() => changes).toBe(1);
		await subscription.close();
		await client.close();
	});

	it('list everything to the official clients and the Inspector', async () => {
		const offered = { tools: ['whoami', 'announce'] };
		// The Inspector starts a process for each list: one runtime represents all.
		const listings = await listWithOfficialClients(here.url, offered, {
			inspector: runtime === 'node',
		});
		for (const [client, listing] of Object.entries(listings)) {
			expect(listing, client).toEqual(offered);
		}
	}, 60_000);

	it('log no error or warning', () => {
		for (const { output } of [here, there]) expect(output()).not.toMatch(/error|warn/i);
	});
});

describe.each(['express', 'fastify'] as const)(
	'two processes of %s over one database',
	(framework) => {
		let here: ServerProcess;
		let there: ServerProcess;

		beforeAll(async () => {
			[here, there] = await Promise.all([start(framework, 'redis'), start(framework, 'redis')]);
		});
		afterAll(() => Promise.all([here.stop(), there.stop()]));

		it('serve the official client, whose stream in one gets the changes of the other', async () => {
			const { client, transport } = await connect(here);
			const changes = countChanges(client);
			const elsewhere = await connect(there, transport.sessionId);
			expect(await elsewhere.call('whoami')).toContain('visitor');
			const announce = async (): Promise<number> => {
				await elsewhere.call('announce');
				return changes();
			};
			await expect.poll(announce).toBeGreaterThan(0);
			const { sessionId } = transport;
			await transport.terminateSession();
			// Calls are served from the cache of info-sealed for a while.
			expect(await statusOf(there, 'GET', sessionId)).toBe(404);
			await Promise.all([client.close(), elsewhere.client.close()]);
		});

		it('reject a body that is not JSON', async () => {
			const headers = { 'content-type': 'text/plain' };
			expect(await statusOf(here, 'POST', '', WHOAMI, headers)).toBe(415);
		});

		it('log no error or warning', () => {
			for (const { output } of [here, there]) expect(output()).not.toMatch(/error|warn/i);
		});
	},
);

describe.each(['node', 'bun'] as const)('two processes of %s over TCP, with tasks', (runtime) => {
	let processes: ServerProcess[] = [];
	/** The next process: a proxy that takes turns. */
	let turn = 0;
	const next = (): URL => processes[turn++ % processes.length]?.url ?? expect.fail();

	beforeAll(async () => {
		processes = await Promise.all([start(runtime, 'tcp'), start(runtime, 'tcp')]);
	});
	afterAll(() => Promise.all(processes.map((each) => each.stop())));

	it('serve a session of the official client, whose stream gets the changes of both', async () => {
		const client = new Client({ name: 'visitor', version: '1.0.0' });
		const transport = new StreamableHTTPClientTransport(next(), {
			fetch: (_url, init) => fetch(next(), init),
		});
		const changes = countChanges(client);
		await client.connect(transport);
		await client.setLoggingLevel('debug');
		for (let call = 0; call < 2; call++) {
			const { content } = await client.callTool({ name: 'whoami' });
			expect(JSON.stringify(content)).toContain('visitor, level debug');
		}
		const announce = async (): Promise<number> => {
			await client.callTool({ name: 'announce' });
			return changes();
		};
		await expect.poll(announce).toBeGreaterThan(1);
		const { sessionId } = transport;
		await transport.terminateSession();
		for (const at of processes) expect(await statusOf(at, 'POST', sessionId)).toBe(404);
		await client.close();
	});

	it('run a task for the official client of tasks', async () => {
		const session = withTasks(createTaskPort(next));
		const execution = await session.callTool('report', {});
		const { outcome } = await execution.settle();
		expect(resultFromTaskOutcome(outcome)).toMatchObject({ content: [{ text: '3 notes' }] });
		await session.close();
	});

	it('serve a 2026-07-28 client, whose subscription receives a change of the other', async () => {
		const client = new StatelessClient(
			{ name: 'stateless-client', version: '1.0.0' },
			{ versionNegotiation: { mode: { pin: '2026-07-28' } } },
		);
		let changes = 0;
		client.setNotificationHandler('notifications/tools/list_changed', () => {
			changes += 1;
		});
		const [here, there] = processes;
		if (!here || !there) expect.fail();
		await client.connect(new StatelessTransport(here.url));
		const subscription = await client.listen({ toolsListChanged: true });
		await statusOf(there, 'POST', await openSession(there), ANNOUNCE);
		await expect.poll(() => changes).toBe(1);
		await subscription.close();
		await client.close();
	});
});

describe.each(RUNTIMES)('two processes of %s without a database', (runtime) => {
	it('know a session of the other and offer no mutable session state', async () => {
		const { server: here } = idleStreamOf(runtime);
		const there = await start(runtime, 'no-database');
		try {
			const { client, transport } = await connect(here);
			expect(client.getServerCapabilities()).toEqual({ tools: { listChanged: true } });
			const { sessionId = '' } = transport;
			const elsewhere = await connect(there, sessionId);
			expect(await elsewhere.call('whoami')).toContain('visitor, level none');
			expect(await statusOf(there, 'DELETE', sessionId)).toBe(405);
			await Promise.all([client.close(), elsewhere.client.close()]);
		} finally {
			await there.stop();
		}
	});

	it('keep an idle stream open for 14 seconds', async () => {
		const { server, sessionId, stream, openedAtMs } = idleStreamOf(runtime);
		await pause(Math.max(0, openedAtMs + SILENCE_MS - performance.now()));
		await statusOf(server, 'POST', sessionId, ANNOUNCE);
		const change = 'notifications/tools/list_changed';
		expect(await readUntil(change, stream)).toContain(change);
	});
});
