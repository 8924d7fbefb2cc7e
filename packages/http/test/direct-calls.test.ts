import type { McpHandler } from '@tmcp-sessions/http';
import { HttpTransport } from '@tmcp/transport-http';
import type { McpServer } from 'tmcp';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { createServer, open, post, setUp } from './local-handler.ts';

const ACCEPT = 'application/json, text/event-stream';

/** @param isDelayed makes the server take longer than a turn, so that every call needs the transport. */
function withTools(isDelayed: boolean): McpHandler {
	const { mcp, server } = setUp({}, isDelayed ? delayed(createServer()) : undefined);
	const textResult = (text: string): { content: { type: 'text'; text: string }[] } => ({
		content: [{ type: 'text', text }],
	});
	server.tool({ name: 'quick', description: 'Returns at once' }, () => textResult('done'));
	server.tool({ name: 'reporting', description: 'Reports progress and returns at once' }, () => {
		server.progress(1, 2);
		server.progress(2, 2);
		return textResult('done');
	});
	server.tool({ name: 'slow', description: 'Reports progress for a while' }, async () => {
		server.progress(1, 3);
		await new Promise((resolve) => setTimeout(resolve, 20));
		server.progress(2, 3);
		return textResult('done');
	});
	return mcp;
}

function delayed(server: McpServer): McpServer {
	const receive = server.receive.bind(server);
	server.receive = async (...received) => {
		await new Promise((resolve) => setTimeout(resolve, 1));
		return receive(...received);
	};
	return server;
}

function send(mcp: McpHandler, message: object, session: string): Promise<Response> {
	return mcp.fetch(post(message, session, ACCEPT));
}

/** Returns the response to a call, without the session id. */
async function responseTo(name: string, isDelayed: boolean): Promise<object> {
	const mcp = withTools(isDelayed);
	const session = await open(mcp, ACCEPT);
	const params = { name, _meta: { progressToken: 'p' } };
	const method = name === 'rejected' ? 'prompts/get' : 'tools/call';
	const response = await send(mcp, { id: 1, method, params }, session);
	const isError = name === 'rejected' || name === 'unknown';
	expect(response.headers.get('mcp-session-id')).toBe(isError ? null : session);
	return {
		status: response.status,
		headers: [...response.headers].filter(([header]) => header !== 'mcp-session-id'),
		body: await response.text(),
	};
}

describe('a direct call, which bypasses the transport', () => {
	afterEach(() => {
		vi.restoreAllMocks();
	});

	it.each(['quick', 'reporting', 'slow', 'unknown', 'rejected'])(
		'has the same response as through the transport: %s',
		async (name) => {
			expect(await responseTo(name, false)).toEqual(await responseTo(name, true));
		},
	);

	it('is only a call that returns at once and sends no notification', async () => {
		const respond = vi.spyOn(HttpTransport.prototype, 'respond');
		const mcp = withTools(false);
		const session = await open(mcp, ACCEPT);
		const countTransported = async (name: string): Promise<number> => {
			respond.mockClear();
			const params = { name, _meta: { progressToken: 'p' } };
			await (await send(mcp, { id: 1, method: 'tools/call', params }, session)).text();
			return respond.mock.calls.length;
		};
		expect(await countTransported('quick')).toBe(0);
		expect(await countTransported('reporting')).toBe(1);
		expect(await countTransported('slow')).toBe(1);
	});
});
