import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { describe, expect, it } from 'vitest';

import { createServer, INITIALIZE, setUp, URL_OF_MCP } from './local-handler.ts';

const PREFIX = 'io.modelcontextprotocol';
const STATELESS = '2026-07-28';
const METADATA = {
	[`${PREFIX}/protocolVersion`]: STATELESS,
	[`${PREFIX}/clientCapabilities`]: {},
};
const CALL = { id: 1, method: 'tools/call', params: { name: 'grüße', _meta: METADATA } };

function handler(
	options: McpHandlerOptions,
): (
	message: object,
	headers?: Record<string, string>,
) => Promise<{ status: number; text: string; session: string | null }> {
	const server = createServer();
	server.tool({ name: 'grüße', description: 'Greets' }, () => ({
		content: [{ type: 'text', text: 'hello' }],
	}));
	const { mcp } = setUp(options, server);
	return async (message, headers = {}) => {
		const response = await mcp.fetch(
			new Request(URL_OF_MCP, {
				method: 'POST',
				headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
				body: JSON.stringify({ jsonrpc: '2.0', ...message }),
			}),
		);
		const session = response.headers.get('mcp-session-id');
		return { status: response.status, text: await response.text(), session };
	};
}

describe('a server of stateless clients only', () => {
	it.each([
		['another revision', { 'mcp-protocol-version': '2025-11-25' }],
		[
			'another revision and a session',
			{ 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': 'x' },
		],
		['no revision', {}],
		[
			'the revision of the message',
			{
				'mcp-protocol-version': STATELESS,
				'mcp-method': 'tools/call',
				'mcp-name': `=?base64?${Buffer.from('grüße').toString('base64')}?=`,
			},
		],
	])('lets the message decide if the header names %s', async (_, headers) => {
		const { status, text, session } = await handler({ eras: 'stateless' })(CALL, headers);
		expect([status, text, session]).toEqual([200, expect.stringContaining('hello'), null]);
	});

	it('rejects other mirrored headers that differ from the message', async () => {
		const headers = { 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'tools/list' };
		const { status, text } = await handler({ eras: 'stateless' })(CALL, headers);
		expect([status, text]).toEqual([400, expect.stringContaining('-32020')]);
	});

	it('opens no session, and names the revisions that it serves', async () => {
		const send = handler({ eras: 'stateless' });
		for (const message of [INITIALIZE, { id: 1, method: 'ping' }, { id: 1, result: {} }]) {
			const { status, text, session } = await send(message);
			expect([status, session, JSON.parse(text)]).toMatchObject([
				400,
				null,
				{ error: { code: -32022, data: { supported: [STATELESS], requested: null } } },
			]);
		}
	});
});

it('is rejected at construction if it is unknown', () => {
	const options = { eras: 'modern' } as unknown as McpHandlerOptions; // Safe because the test expects an error.
	expect(() => createMcpHandler(createServer(), options)).toThrow(
		'eras must be one of both, session-based, stateless; got modern',
	);
});
