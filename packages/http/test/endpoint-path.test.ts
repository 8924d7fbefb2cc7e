import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { describe, expect, it } from 'vitest';

import { createServer, INITIALIZE, KEY, setUp } from './local-handler.ts';

function handler(path: string): McpHandler {
	return setUp({ path }).mcp;
}

function request(method: string, path: string): Request {
	return new Request(`https://example.com${path}`, {
		method,
		...(method === 'POST' && {
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', ...INITIALIZE }),
		}),
	});
}

describe('the path of an endpoint', () => {
	it.each([
		['/mcp', '/mcp'],
		['/mcp', '/mcp/'],
		['/mcp/', '/mcp'],
		['/mcp/', '/mcp/'],
		['/', '/'],
	])('of the option %s is served at %s', async (option, path) => {
		expect((await handler(option).fetch(request('POST', path))).status).toBe(200);
	});

	it('is named in the 404 of every other path', async () => {
		for (const path of ['/', '/mcp//', '/mcpx', '/MCP', '/mcp/x']) {
			const mcp = handler('/mcp');
			const message = await mcp.fetch(request('POST', path));
			expect([message.status, await message.json()]).toEqual([
				404,
				{
					jsonrpc: '2.0',
					id: null,
					error: { code: -32600, message: 'Not found: the MCP endpoint is /mcp' },
				},
			]);
			const page = await mcp.fetch(request('GET', path));
			expect([page.status, await page.text()]).toEqual([
				404,
				'Not found: the MCP endpoint is /mcp',
			]);
			expect(page.headers.get('content-type')).toMatch(/^text\/plain/);
		}
	});

	it.each(['mcp', '', 'https://example.com/mcp', '/mcp?x', '/mcp#x', '//mcp', '/a/../mcp', '/ü'])(
		'is rejected at construction if it is %j',
		(path) => {
			const message = 'path must be a path that starts with a slash, such as /mcp';
			expect(() => createMcpHandler(createServer(), { path })).toThrow(message);
			expect(() => createSseHandler(createServer(), { path })).toThrow(message);
			expect(() => createSseHandler(createServer(), { endpoint: path })).toThrow(
				message.replace('path', 'endpoint'),
			);
		},
	);

	it('is rejected at construction if it is no text', () => {
		// Wrong on purpose, as in JavaScript.
		const options = { path: 7 as unknown as string };
		expect(() => createMcpHandler(createServer(), options)).toThrow(
			'such as /mcp, without a query; got 7',
		);
	});

	it('of legacy SSE is served with a slash at its end, and named in a 404', async () => {
		const sse = createSseHandler(createServer(), { sessionKeys: [KEY] });
		const stream = await sse.fetch(request('GET', '/sse/'));
		expect(stream.status).toBe(200);
		await stream.body?.cancel();
		expect((await sse.fetch(request('POST', '/messages/'))).status).toBe(400);
		const other = await sse.fetch(request('GET', '/other'));
		expect([other.status, await other.text()]).toEqual([
			404,
			'Not found: streams are at /sse, messages at /messages',
		]);
	});
});
