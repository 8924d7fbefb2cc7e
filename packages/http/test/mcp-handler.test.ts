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

describe('a client error', () => {
	it.each([
		[404, 'logging/setLevel', { level: 'info' }, 'xxx'],
		[404, 'resources/subscribe', { uri: 'test://a' }, 'x'.repeat(2_000)],
		[431, 'logging/setLevel', { level: 'info' }, 'x'.repeat(5_000)],
	])('gets %i, not 503: %s', async (status, method, params, session) => {
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
		'rejects %s as keepAliveSeconds',
		(seconds) => {
			expect(() => setUp({ keepAliveSeconds: seconds })).toThrow(
				`[tmcp-sessions/http] keepAliveSeconds must be above 0 and at most 25; got ${seconds}`,
			);
		},
	);

	it('passes tools the custom context of their request', async () => {
		const server = createServer().withContext<{ tenant: string }>();
		server.tool({ name: 'tenant', description: 'Returns the tenant' }, () => ({
			content: [{ type: 'text', text: `tenant ${server.ctx.custom?.tenant}` }],
		}));
		const mcp = createMcpHandler(server, {
			context: async (request) => ({ tenant: new URL(request.url).hostname }),
		});
		const call = { id: 2, method: 'tools/call', params: { name: 'tenant' } };
		expect(await (await mcp.fetch(post(call))).text()).toContain('tenant example.com');
	});

	it('passes the OAuth helper a request that it can copy or forward', async () => {
		const received: string[] = [];
		const oauth = {
			respond: async (request: Request) => {
				received.push(await new Request(request).clone().text());
				return null;
			},
			verify: async (request: Request) => {
				received.push(request.method);
				return null;
			},
		};
		const { mcp } = setUp({ oauth, principal: () => 'alice' });
		await mcp.fetch(new Request(URL_OF_MCP, { method: 'PUT', body: 'a body' }));
		expect(received).toEqual(['a body', 'PUT']);
	});
});

describe('requests', () => {
	it('responds 404 outside its path, and serves every path if path is null', async () => {
		const elsewhere = 'https://example.com/elsewhere';
		expect((await setUp().mcp.fetch(new Request(elsewhere))).status).toBe(404);
		const request = new Request(elsewhere, post(INITIALIZE));
		expect((await setUp({ path: null }).mcp.fetch(request)).status).toBe(200);
	});

	it('passes promises to waitUntil', async () => {
		const { mcp } = setUp();
		const kept: Promise<unknown>[] = [];
		const context = { waitUntil: (promise: Promise<unknown>) => void kept.push(promise) };
		const notification = { method: 'notifications/initialized' };
		const session = await open(mcp);
		const response = await mcp.fetch(post(notification, session), {}, context);
		expect(response.status).toBe(202);
		expect(kept.length).toBeGreaterThan(0);
		await Promise.all(kept);
	});

	it('accepts a client response without a server request with 202 and does not pass it to the server', async () => {
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

	it('does not announce tools that are registered before the first request', async () => {
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

	it('does not cancel a call if its client aborts the request', async () => {
		const { mcp, server } = setUp();
		const finished = Promise.withResolvers<string>();
		server.tool({ name: 'slow', description: 'Takes a moment' }, async () => {
			await new Promise((resolve) => setTimeout(resolve, 50));
			finished.resolve(server.ctx.signal?.aborted ? 'cancelled' : 'finished');
			return { content: [] };
		});
		const abort = new AbortController();
		const call = post({ id: 2, method: 'tools/call', params: { name: 'slow' } }, await open(mcp));
		const response = mcp.fetch(new Request(call, { signal: abort.signal }));
		abort.abort();
		expect(await finished.promise).toBe('finished');
		await response;
	});
});

describe('a stream in one process', () => {
	it('delivers changes, buffers few keep-alives for a stalled reader, and can be reopened', async () => {
		const { mcp, server } = setUp({ keepAliveSeconds: 0.01 });
		const headers = { 'mcp-session-id': await open(mcp) };
		const get = (): Request => new Request(URL_OF_MCP, { headers });
		const response = await mcp.fetch(get());
		const reader = response.body?.getReader();
		if (!reader) throw new Error('expected a body');
		// The client does not read while ten keep-alives are due.
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
