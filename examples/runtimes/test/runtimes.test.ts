import {
	Client as StatelessClient,
	StreamableHTTPClientTransport as StatelessTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installProject } from './installed-project.ts';
import type { InstalledProject } from './installed-project.ts';
import { startServer } from './server-process.ts';
import type { Runtime, ServerProcess } from './server-process.ts';

const RUNTIMES: Runtime[] = ['node', 'deno', 'bun', 'edge'];
/** Longer than Bun leaves a connection open that says nothing, unless it is told to. */
const SILENCE_MS = 14_000;

/** What a request sends, but for its `jsonrpc` and its `id`. */
interface Sent {
	readonly method: string;
	readonly params: Readonly<Record<string, unknown>>;
}
const WHOAMI: Sent = { method: 'tools/call', params: { name: 'whoami' } };
const ANNOUNCE: Sent = { method: 'tools/call', params: { name: 'announce' } };

const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
let project: InstalledProject;
let redis: RunningRedis;

/** A server without a database, and a stream of it that nothing has been said on. */
interface Quiet {
	readonly server: ServerProcess;
	readonly sessionId: string;
	readonly stream: Response;
	readonly openedAtMs: number;
}
/** Opened first and listened to last, so that nobody waits for the silence. */
const quiets = new Map<Runtime, Quiet>();

beforeAll(async () => {
	[project, redis] = await Promise.all([installProject(), startRedis()]);
	for (const runtime of RUNTIMES) {
		const server = await start(runtime, 'nothing');
		const sessionId = await openSession(server);
		const stream = await request(server, 'GET', sessionId);
		quiets.set(runtime, { server, sessionId, stream, openedAtMs: performance.now() });
	}
});
afterAll(async () => {
	for (const { server } of quiets.values()) await server.stop();
	await redis.stop();
	await project.remove();
});

/** A process that shares nothing with others but the key, and the database where there is one. */
function start(runtime: Runtime, over: 'nothing' | 'redis'): Promise<ServerProcess> {
	return startServer(runtime, project.directory, {
		TMCP_SESSION_KEYS: key,
		...(over === 'redis' && {
			UPSTASH_REDIS_REST_URL: redis.url,
			UPSTASH_REDIS_REST_TOKEN: redis.token,
		}),
	});
}

function quietOne(runtime: Runtime): Quiet {
	const quiet = quiets.get(runtime);
	if (!quiet) throw new Error(`${runtime} was not started`);
	return quiet;
}

interface Visitor {
	readonly client: Client;
	readonly transport: StreamableHTTPClientTransport;
	/** The text that a tool answers. */
	call(name: string): Promise<string>;
}

/** The official client; with a session's id it goes on with that session. */
async function visit({ url }: ServerProcess, sessionId?: string): Promise<Visitor> {
	const client = new Client({ name: 'visitor', version: '1.0.0' });
	const session = sessionId === undefined ? {} : { sessionId };
	const transport = new StreamableHTTPClientTransport(url, session);
	await client.connect(transport);
	const call = async (name: string): Promise<string> =>
		JSON.stringify((await client.callTool({ name })).content);
	return { client, transport, call };
}

type Method = 'DELETE' | 'GET' | 'POST';

function request(
	{ url }: ServerProcess,
	method: Method,
	sessionId = '',
	sent = WHOAMI,
): Promise<Response> {
	return fetch(url, {
		method,
		headers: {
			accept: 'application/json, text/event-stream',
			'content-type': 'application/json',
			...(sessionId !== '' && { 'mcp-session-id': sessionId }),
		},
		...(method === 'POST' && { body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...sent }) }),
	});
}

async function statusOf(...sent: Parameters<typeof request>): Promise<number> {
	const response = await request(...sent);
	await response.body?.cancel();
	return response.status;
}

/** Opens a session whose only stream is the one that a test opens: the newest gets the messages. */
async function openSession(at: ServerProcess): Promise<string> {
	const clientInfo = { name: 'visitor', version: '1.0.0' };
	const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
	const response = await request(at, 'POST', '', { method: 'initialize', params });
	await response.body?.cancel();
	return response.headers.get('mcp-session-id') ?? '';
}

/** What a stream says up to this text, or until it ends. */
async function readUntil(expected: string, stream: Response): Promise<string> {
	const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';
	for (let isOver = false; !isOver && !text.includes(expected);) {
		const { done = true, value = '' } = (await reader?.read()) ?? {};
		text += value;
		isOver = done;
	}
	await reader?.cancel();
	return text;
}

describe.each(RUNTIMES)('two processes of %s over one database', (runtime) => {
	let here: ServerProcess;
	let there: ServerProcess;

	beforeAll(async () => {
		[here, there] = await Promise.all([start(runtime, 'redis'), start(runtime, 'redis')]);
	});
	afterAll(() => Promise.all([here.stop(), there.stop()]));

	it('know a session and its log level, whichever opened it', async () => {
		const { client, transport } = await visit(here);
		await client.setLoggingLevel('debug');
		const elsewhere = await visit(there, transport.sessionId);
		expect(await elsewhere.call('whoami')).toContain('visitor, level debug');
		await Promise.all([client.close(), elsewhere.client.close()]);
	});

	it('tell a GET stream what a tool raised before it returned', async () => {
		const { client, call } = await visit(here);
		let changes = 0;
		client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
			changes += 1;
		});
		// The client opens its stream when it has connected, and tells nobody.
		const announced = async (): Promise<number> => {
			await call('announce');
			return changes;
		};
		await expect.poll(announced, { timeout: 10_000 }).toBeGreaterThan(0);
		await client.close();
	});

	it('both refuse a session that was ended in one of them', async () => {
		const { client, transport } = await visit(here);
		const { sessionId = '' } = transport;
		await transport.terminateSession();
		for (const at of [here, there]) {
			expect(await statusOf(at, 'POST', sessionId)).toBe(404);
			expect(await statusOf(at, 'GET', sessionId)).toBe(404);
		}
		await client.close();
	});

	it('refuse a forged id and ask no storage', async () => {
		const sessionId = await openSession(here);
		const forged = sessionId.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
		redis.takeRequests();
		for (const at of [here, there]) {
			for (const method of ['POST', 'GET', 'DELETE'] as const)
				expect(await statusOf(at, method, forged)).toBe(404);
		}
		expect(redis.takeRequests()).toEqual([]);
	});

	it('serve a client without sessions, whose listener hears a change', async () => {
		const client = new StatelessClient(
			{ name: 'passer-by', version: '1.0.0' },
			{ versionNegotiation: { mode: { pin: '2026-07-28' } } },
		);
		let changes = 0;
		client.setNotificationHandler('notifications/tools/list_changed', () => {
			changes += 1;
		});
		await client.connect(new StatelessTransport(here.url));
		const listener = await client.listen({ toolsListChanged: true });
		const { content } = await client.callTool({ name: 'whoami' });
		expect(JSON.stringify(content)).toContain('passer-by');
		await client.callTool({ name: 'announce' });
		await expect.poll(() => changes, { timeout: 10_000 }).toBe(1);
		await listener.close();
		await client.close();
	});

	it('said nothing of an error', () => {
		for (const { output } of [here, there]) expect(output()).not.toMatch(/error|warn/i);
	});
});

describe.each(RUNTIMES)('two processes of %s without a database', (runtime) => {
	it('know a session, and offer nothing that changes in it', async () => {
		const { server: here } = quietOne(runtime);
		const there = await start(runtime, 'nothing');
		try {
			const { client, transport } = await visit(here);
			expect(client.getServerCapabilities()).toEqual({ tools: { listChanged: true } });
			const { sessionId = '' } = transport;
			const elsewhere = await visit(there, sessionId);
			expect(await elsewhere.call('whoami')).toContain('visitor, level none');
			expect(await statusOf(there, 'DELETE', sessionId)).toBe(405);
			await Promise.all([client.close(), elsewhere.client.close()]);
		} finally {
			await there.stop();
		}
	});

	it('do not lose a stream that was silent for long', async () => {
		const { server, sessionId, stream, openedAtMs } = quietOne(runtime);
		await pause(openedAtMs + SILENCE_MS - performance.now());
		await statusOf(server, 'POST', sessionId, ANNOUNCE);
		const change = 'notifications/tools/list_changed';
		expect(await readUntil(change, stream)).toContain(change);
	});
});
