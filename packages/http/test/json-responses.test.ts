import type { McpHandler } from '@tmcp-sessions/http';
import { describe, expect, it } from 'vitest';

import { open, post, setUp } from './local-handler.ts';

const ACCEPT = 'application/json';
const LINE_ENDS = 'before\u2028between\u2029after\nend';

function withTools(): McpHandler {
	const { mcp, server } = setUp();
	server.tool({ name: 'lines', description: 'Returns unusual line ends' }, () => ({
		content: [{ type: 'text', text: LINE_ENDS }],
	}));
	server.tool({ name: 'wait', description: 'Waits until it is cancelled' }, async () => {
		server.progress(1, 2);
		await new Promise((resolve) => server.ctx.signal?.addEventListener('abort', resolve));
		return { content: [] };
	});
	return mcp;
}

function send(mcp: McpHandler, message: object, session?: string): Promise<Response> {
	return mcp.fetch(post(message, session, ACCEPT));
}

describe('L10 accept-negotiation: a JSON response', () => {
	it('preserves Unicode line separators, which JSON does not escape', async () => {
		const mcp = withTools();
		const call = { id: 'a\u2028b', method: 'tools/call', params: { name: 'lines' } };
		const response = await send(mcp, call, await open(mcp, ACCEPT));
		expect(await response.json()).toMatchObject({
			id: 'a\u2028b',
			result: { content: [{ text: LINE_ENDS }] },
		});
	});

	it('L14 cancellation: of a cancelled call is an error, not its last progress notification', async () => {
		const mcp = withTools();
		const session = await open(mcp, ACCEPT);
		const params = { name: 'wait', _meta: { progressToken: 'p' } };
		const pending = send(mcp, { id: 7, method: 'tools/call', params }, session);
		await new Promise((resolve) => setTimeout(resolve, 20));
		const cancelled = { method: 'notifications/cancelled', params: { requestId: 7 } };
		expect((await send(mcp, cancelled, session)).status).toBe(202);
		expect(await (await pending).json()).toMatchObject({
			id: 7,
			error: { message: 'The call was cancelled' },
		});
	});

	it('of a stateless call is an error once its client disconnects', async () => {
		const abort = new AbortController();
		const headers = {
			'content-type': 'application/json',
			accept: 'application/json',
			'mcp-protocol-version': '2026-07-28',
			'mcp-method': 'tools/call',
			'mcp-name': 'wait',
		};
		const _meta = {
			'io.modelcontextprotocol/protocolVersion': '2026-07-28',
			'io.modelcontextprotocol/clientCapabilities': {},
		};
		const params = { name: 'wait', _meta };
		const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params });
		const { signal } = abort;
		const pending = withTools().fetch(
			new Request('https://example.com/mcp', { method: 'POST', headers, body, signal }),
		);
		await new Promise((resolve) => setTimeout(resolve, 20));
		abort.abort();
		expect(await (await pending).json()).toMatchObject({
			id: 7,
			error: { message: 'The call was cancelled' },
		});
	});

	it.each([1.5, 1e300, true, {}, 'x'.repeat(1_025)])(
		'rejects a request with the id %j with 400, since no response could repeat it',
		async (id) => {
			const mcp = withTools();
			const call = { id, method: 'tools/call', params: { name: 'lines' } };
			const response = await send(mcp, call, await open(mcp, ACCEPT));
			expect(response.status).toBe(400);
			expect(await response.json()).toMatchObject({ id: null, error: { code: -32600 } });
		},
	);

	it('rejects initialize without an id with 400 and opens no session', async () => {
		const mcp = withTools();
		const response = await send(mcp, { method: 'initialize', params: {} });
		expect(response.status).toBe(400);
		expect(response.headers.get('mcp-session-id')).toBeNull();
	});

	it('issues no session id if initialize fails', async () => {
		const response = await send(withTools(), { id: 1, method: 'initialize', params: {} });
		expect(await response.json()).toMatchObject({ error: {} });
		expect(response.headers.get('mcp-session-id')).toBeNull();
	});
});
