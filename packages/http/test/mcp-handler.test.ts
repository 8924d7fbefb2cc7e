import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { McpServer } from 'tmcp';
import { describe, expect, it, vi } from 'vitest';
import {
	createServer,
	INITIALIZE,
	KEY,
	open,
	post,
	setUp,
	UnreachableStreams,
	URL_OF_MCP,
} from './local-handler.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';

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
		'refuses %s as keepAliveSeconds',
		(seconds) => {
			expect(() => setUp({ keepAliveSeconds: seconds })).toThrow(
				`[tmcp-sessions/http] keepAliveSeconds must be above 0 and at most 25; got ${seconds}`,
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
		const { mcp, server } = setUp({ keepAliveSeconds: 0.01 });
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
