import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installProject } from './installed-project.ts';
import type { InstalledProject } from './installed-project.ts';
import { startServer } from './server-process.ts';
import type { Runtime, ServerProcess } from './server-process.ts';

const RUNTIMES: Runtime[] = ['node', 'deno', 'bun', 'edge'];
/** Longer than Bun leaves a connection open that says nothing, and shorter than it takes to a heartbeat. */
const SILENCE_MS = 14_000;

const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
let project: InstalledProject;
let redis: RunningRedis;

beforeAll(async () => {
	[project, redis] = await Promise.all([installProject(), startRedis()]);
});
afterAll(async () => {
	await redis.stop();
	await project.remove();
});

/** Two processes that know nothing of each other but the key, and the database where there is one. */
async function startPair(
	runtime: Runtime,
	over: 'nothing' | 'redis',
): Promise<[ServerProcess, ServerProcess]> {
	const variables = {
		TMCP_SESSION_KEYS: key,
		...(over === 'redis' && {
			UPSTASH_REDIS_REST_URL: redis.url,
			UPSTASH_REDIS_REST_TOKEN: redis.token,
		}),
	};
	const start = (): Promise<ServerProcess> => startServer(runtime, project.directory, variables);
	return Promise.all([start(), start()]);
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

function request(
	{ url }: ServerProcess,
	method: 'DELETE' | 'GET' | 'POST',
	sessionId: string,
): Promise<Response> {
	const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami' } };
	return fetch(url, {
		method,
		headers: {
			accept: 'application/json, text/event-stream',
			'content-type': 'application/json',
			'mcp-session-id': sessionId,
		},
		...(method === 'POST' && { body: JSON.stringify(message) }),
	});
}

async function statusOf(...sent: Parameters<typeof request>): Promise<number> {
	const response = await request(...sent);
	await response.body?.cancel();
	return response.status;
}

describe.each(RUNTIMES)('two processes of %s over one database', (runtime) => {
	let here: ServerProcess;
	let there: ServerProcess;

	beforeAll(async () => {
		[here, there] = await startPair(runtime, 'redis');
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
		const { client, transport } = await visit(here);
		const { sessionId = '' } = transport;
		const forged = sessionId.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
		await client.close();
		redis.takeRequests();
		for (const at of [here, there]) {
			for (const method of ['POST', 'GET', 'DELETE'] as const)
				expect(await statusOf(at, method, forged)).toBe(404);
		}
		expect(redis.takeRequests()).toEqual([]);
	});

	it('said nothing of an error', () => {
		for (const { output } of [here, there]) expect(output()).not.toMatch(/error|warn/i);
	});
});

describe.each(RUNTIMES)('two processes of %s without a database', (runtime) => {
	it('know a session, and offer nothing that changes in it', async () => {
		const [here, there] = await startPair(runtime, 'nothing');
		try {
			const { client, transport } = await visit(here);
			expect(client.getServerCapabilities()).toEqual({ tools: { listChanged: true } });
			const { sessionId = '' } = transport;
			const elsewhere = await visit(there, sessionId);
			expect(await elsewhere.call('whoami')).toContain('visitor, level none');
			expect(await statusOf(there, 'DELETE', sessionId)).toBe(405);
			await Promise.all([client.close(), elsewhere.client.close()]);
		} finally {
			await Promise.all([here.stop(), there.stop()]);
		}
	});
});

describe('an open stream', () => {
	it.concurrent.each(RUNTIMES)(
		'of %s outlives a silence',
		async (runtime) => {
			const server = await startServer(runtime, project.directory, { TMCP_SESSION_KEYS: key });
			try {
				const { client, transport, call } = await visit(server);
				const stream = await request(server, 'GET', transport.sessionId ?? '');
				await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
				await call('announce');
				const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
				let text = '';
				for (let isOver = false; !isOver && !text.includes('list_changed');) {
					const { done = true, value = '' } = (await reader?.read()) ?? {};
					text += value;
					isOver = done;
				}
				expect(text).toContain('notifications/tools/list_changed');
				await reader?.cancel();
				await client.close();
			} finally {
				await server.stop();
			}
		},
		40_000,
	);
});
