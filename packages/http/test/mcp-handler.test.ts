import {
	StoredInfoSessionManager,
	InMemorySessionStore,
	StoreError,
	StreamError,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { StreamSessionManager } from '@tmcp/session-manager';
import { McpServer } from 'tmcp';
import { describe, expect, it, vi } from 'vitest';

const URL_OF_MCP = 'https://example.com/mcp';
const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
const TOOLS_CHANGED = 'notifications/tools/list_changed';

function createServer(): McpServer {
	return new McpServer(
		{ name: 'test', version: '1.0.0' },
		// tmcp asks for an adapter even where no tool has a schema.
		{ adapter: undefined, capabilities: { tools: { listChanged: true } } },
	);
}

function setUp(options: McpHandlerOptions = {}): {
	mcp: McpHandler;
	server: McpServer;
	errors: Error[];
} {
	const errors: Error[] = [];
	const server = createServer();
	const onError = (error: Error): void => void errors.push(error);
	const info = new StoredInfoSessionManager(new InMemorySessionStore(), { onError });
	const mcp = createMcpHandler(server, { info, onError, sessionKeys: [KEY], ...options });
	return { server, errors, mcp };
}

async function open(mcp: McpHandler): Promise<string> {
	const response = await mcp.fetch(post(INITIALIZE));
	await response.text();
	const session = response.headers.get('mcp-session-id');
	if (session === null) throw new Error(`expected a session; found ${response.status}`);
	return session;
}

function post(message: object, session?: string): Request {
	return new Request(URL_OF_MCP, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			...(session && { 'mcp-session-id': session }),
		},
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	});
}

const INITIALIZE = {
	id: 1,
	method: 'initialize',
	params: {
		protocolVersion: '2025-06-18',
		capabilities: {},
		clientInfo: { name: 'client', version: '1.0.0' },
	},
};

/** A store that is out of reach for one of its operations. */
function infoWithout(operation: 'create' | 'delete' | 'read'): StoredInfoSessionManager {
	const store = new InMemorySessionStore();
	store[operation] = (): Promise<never> =>
		Promise.reject(new StoreError('core', operation, 'secret of the backend'));
	return new StoredInfoSessionManager(store, { onError: () => {} });
}

class UnreachableStreams extends StreamSessionManager {
	override create(): Promise<void> {
		return Promise.reject(new StreamError('http', 'opening a stream', 'secret of the backend'));
	}
	override delete(): void {}
	override has(): boolean {
		return false;
	}
	override send(_sessions: string[] | undefined, _frame: string): Promise<void> {
		return Promise.reject(new StreamError('http', 'sending', 'secret of the backend'));
	}
}

describe('a backend that is down', () => {
	it.each([
		['initialize', { info: infoWithout('create') }, () => post(INITIALIZE), 1],
		[
			'DELETE',
			{ info: infoWithout('delete') },
			(session: string) =>
				new Request(URL_OF_MCP, { method: 'DELETE', headers: { 'mcp-session-id': session } }),
			null,
		],
		[
			'a call that needs the session',
			{ info: infoWithout('read') },
			(session: string) => post({ id: 2, method: 'tools/list' }, session),
			2,
		],
		[
			'GET',
			{ streams: new UnreachableStreams() },
			(session: string) => new Request(URL_OF_MCP, { headers: { 'mcp-session-id': session } }),
			null,
		],
	])(
		'makes a 503 with Retry-After of %s, and onError is told why',
		async (what, options, request, id) => {
			const { mcp, errors } = setUp(options);
			const session = what === 'initialize' ? '' : await open(mcp);
			const response = await mcp.fetch(request(session));
			expect(response.status).toBe(503);
			expect(response.headers.get('retry-after')).toBe('5');
			expect(response.headers.get('mcp-session-id')).toBeNull();
			const body = await response.text();
			expect(JSON.parse(body)).toEqual({
				jsonrpc: '2.0',
				id,
				error: {
					code: -32603,
					message: 'The server cannot reach its session storage; try again later',
				},
			});
			expect(errors.map(({ message }) => message).join()).toContain('secret of the backend');
		},
	);

	it('a broadcast that rejects reaches onError and fails no call', async () => {
		const { mcp, server, errors } = setUp({ streams: new UnreachableStreams() });
		server.tool({ name: 'notify', description: 'Raises a change' }, () => {
			server.changed('tools');
			return { content: [{ type: 'text', text: 'raised' }] };
		});
		const call = { id: 2, method: 'tools/call', params: { name: 'notify' } };
		const response = await mcp.fetch(post(call, await open(mcp)));
		expect(await response.text()).toContain('raised');
		await expect
			.poll(() => errors.map(({ message }) => message))
			.toEqual(['[tmcp-sessions/http] sending failed: secret of the backend']);
	});

	it('answers in the stream where the status has gone out already', async () => {
		const store = new InMemorySessionStore();
		store.create = async () => {
			await new Promise((resolve) => setTimeout(resolve, 60));
			throw new StoreError('core', 'storing', 'secret of the backend');
		};
		const info = new StoredInfoSessionManager(store, { onError: () => {} });
		const { mcp, errors } = setUp({ info, heartbeatSeconds: 0.02 });
		const response = await mcp.fetch(post(INITIALIZE));
		expect(response.status).toBe(200);
		const text = await response.text();
		expect(text).toContain(': keep-alive');
		const [, data = ''] = /^data: (.*)$/m.exec(text) ?? [];
		expect(JSON.parse(data)).toEqual({
			jsonrpc: '2.0',
			id: 1,
			error: {
				code: -32603,
				message: 'The server cannot reach its session storage; try again later',
			},
		});
		await expect.poll(() => errors).toHaveLength(1);
	});

	it('an onError that throws ends nothing', async () => {
		const onError = (): never => {
			throw new Error('the reporter broke');
		};
		const { mcp } = setUp({ info: infoWithout('create'), onError });
		expect((await mcp.fetch(post(INITIALIZE))).status).toBe(503);
	});
});

describe('what a client did wrong', () => {
	it.each([
		[404, 'logging/setLevel', { level: 'info' }, 'xxx'],
		[404, 'resources/subscribe', { uri: 'test://a' }, 'x'.repeat(2_000)],
		[431, 'logging/setLevel', { level: 'info' }, 'x'.repeat(5_000)],
	])('is a %i and no outage: %s', async (status, method, params, session) => {
		const server = new McpServer(
			{ name: 'test', version: '1.0.0' },
			{ adapter: undefined, capabilities: { logging: {}, resources: { subscribe: true } } },
		);
		const info = new StoredInfoSessionManager(new InMemorySessionStore(), { onError: () => {} });
		const mcp = createMcpHandler(server, { info, sessionKeys: [KEY], onError: () => {} });
		const response = await mcp.fetch(post({ id: 1, method, params }, session));
		expect(response.status).toBe(status);
		expect(await response.text()).not.toContain('xxx');
	});
});

describe('options', () => {
	it.each([0, -1, 26, Number.NaN, Number.POSITIVE_INFINITY])(
		'refuses %s as heartbeatSeconds',
		(seconds) => {
			expect(() => setUp({ heartbeatSeconds: seconds })).toThrow(
				`[tmcp-sessions/http] heartbeatSeconds must be above 0 and at most 25; found ${seconds}`,
			);
		},
	);

	it('gives tools the context that was made for their request', async () => {
		const server = createServer().withContext<{ tenant: string }>();
		server.tool({ name: 'tenant', description: 'Says whose it is' }, () => ({
			content: [{ type: 'text', text: `of ${server.ctx.custom?.tenant}` }],
		}));
		const mcp = createMcpHandler(server, {
			context: async (request) => ({ tenant: new URL(request.url).hostname }),
		});
		const call = { id: 2, method: 'tools/call', params: { name: 'tenant' } };
		expect(await (await mcp.fetch(post(call))).text()).toContain('of example.com');
	});

	it('gives the OAuth helper the request itself, to copy or to send on', async () => {
		const seen: string[] = [];
		const oauth = {
			respond: async (request: Request) => {
				seen.push(await new Request(request).clone().text());
				return null;
			},
			verify: async (request: Request) => {
				seen.push(request.method);
				return null;
			},
		};
		const { mcp } = setUp({ oauth, principal: () => 'alice' });
		await mcp.fetch(new Request(URL_OF_MCP, { method: 'PUT', body: 'a body' }));
		expect(seen).toEqual(['a body', 'PUT']);
	});
});

describe('requests', () => {
	it('answers 404 outside its path, on every path where that is null', async () => {
		const elsewhere = 'https://example.com/elsewhere';
		expect((await setUp().mcp.fetch(new Request(elsewhere))).status).toBe(404);
		const request = new Request(elsewhere, post(INITIALIZE));
		expect((await setUp({ path: null }).mcp.fetch(request)).status).toBe(200);
	});

	it('keeps work alive through the platform, from the first request to the last', async () => {
		const { mcp } = setUp();
		const kept: Promise<unknown>[] = [];
		const context = { waitUntil: (work: Promise<unknown>) => void kept.push(work) };
		const notification = { method: 'notifications/initialized' };
		const session = await open(mcp);
		const response = await mcp.fetch(post(notification, session), {}, context);
		expect(response.status).toBe(202);
		expect(kept.length).toBeGreaterThan(0);
		await Promise.all(kept);
	});

	it('an answer to a question that nobody asked is a 202 and reaches no server', async () => {
		const { mcp, server, errors } = setUp();
		const receive = vi.spyOn(server, 'receive');
		const session = await open(mcp);
		receive.mockClear();
		const response = await mcp.fetch(post({ id: 1, result: {} }, session));
		expect(response.status).toBe(202);
		expect(await response.text()).toBe('');
		expect(receive).not.toHaveBeenCalled();
		expect(errors).toEqual([]);
	});

	it('tools that are registered before the first request tell nobody that the list changed', async () => {
		const sent: string[] = [];
		class Streams extends UnreachableStreams {
			override send(_sessions: string[] | undefined, frame: string): Promise<void> {
				sent.push(frame);
				return Promise.resolve();
			}
		}
		const { mcp, server } = setUp({ streams: new Streams() });
		const register = (name: string): void =>
			server.tool({ name, description: name }, () => ({ content: [] }));
		register('early');
		await (await mcp.fetch(post(INITIALIZE))).text();
		expect(sent).toEqual([]);
		register('late');
		expect(sent).toHaveLength(1);
		expect(sent[0]).toContain(TOOLS_CHANGED);
	});

	it('a client that aborts has not cancelled its call', async () => {
		const { mcp, server } = setUp();
		const finished = Promise.withResolvers<string>();
		server.tool({ name: 'slow', description: 'Takes a moment' }, async () => {
			await new Promise((resolve) => setTimeout(resolve, 50));
			finished.resolve(server.ctx.signal?.aborted ? 'cancelled' : 'finished');
			return { content: [] };
		});
		const abort = new AbortController();
		const call = post({ id: 2, method: 'tools/call', params: { name: 'slow' } }, await open(mcp));
		const answering = mcp.fetch(new Request(call, { signal: abort.signal }));
		abort.abort();
		expect(await finished.promise).toBe('finished');
		await answering;
	});
});

describe('a stream in one process', () => {
	it('a change reaches it, its client can leave, and a reader that stalls gets no heap', async () => {
		const { mcp, server } = setUp({ heartbeatSeconds: 0.01 });
		const headers = { 'mcp-session-id': await open(mcp) };
		const get = (): Request => new Request(URL_OF_MCP, { headers });
		const response = await mcp.fetch(get());
		const reader = response.body?.getReader();
		if (!reader) throw new Error('expected a body');
		// Nobody reads while ten heartbeats are due.
		await new Promise((resolve) => setTimeout(resolve, 100));
		server.changed('tools');
		let text = '';
		while (!text.includes(TOOLS_CHANGED))
			text += new TextDecoder().decode((await reader.read()).value);
		expect(text.split(': keep-alive').length - 1).toBeLessThanOrEqual(3);
		await reader.cancel();
		server.changed('tools');
		expect((await mcp.fetch(get())).status).toBe(200);
	});
});
