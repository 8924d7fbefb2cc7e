import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { describe, expect, it } from 'vitest';

import { createServer, KEY, open, post, URL_OF_MCP } from './local-handler.ts';

const PING = { id: 2, method: 'ping' };
const OTHER_KEY = 'another-key-of-the-tests-32-characters-long';

function createManagers(): Required<Pick<McpHandlerOptions, 'info' | 'streams'>> {
	return {
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
		streams: new InMemoryStreamSessionManager(),
	};
}

/** Creates a handler with a new server. */
function createHandler(options: McpHandlerOptions) {
	const server = createServer();
	return { server, mcp: createMcpHandler(server, { sessionKeys: [KEY], ...options }) };
}

function send(mcp: McpHandler, method: 'DELETE' | 'GET', session: string): Promise<Response> {
	const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
	return mcp.fetch(new Request(URL_OF_MCP, { method, headers }));
}

async function statusOf(mcp: McpHandler, session: string): Promise<number> {
	const response = await mcp.fetch(post(PING, session));
	await response.text();
	return response.status;
}

describe('handlers over the same managers', () => {
	it('share their sessions, which a DELETE at either ends', async () => {
		const managers = createManagers();
		const { mcp: one } = createHandler(managers);
		const { mcp: other } = createHandler(managers);
		const session = await open(one);
		expect(await statusOf(other, session)).toBe(200);
		await send(other, 'DELETE', session);
		expect([await statusOf(one, session), await statusOf(other, session)]).toEqual([404, 404]);
	});

	it('send the changes of either server to the sessions of both', async () => {
		const managers = createManagers();
		const one = createHandler(managers);
		const other = createHandler(managers);
		const session = await open(one.mcp);
		const response = await send(one.mcp, 'GET', session);
		other.server.changed('tools');
		await send(one.mcp, 'DELETE', session);
		expect((await response.text()).match(/tools\/list_changed/g)).toHaveLength(1);
	});

	it('do not share their sessions with different keys', async () => {
		const managers = createManagers();
		const session = await open(createHandler(managers).mcp);
		const { mcp } = createHandler({ ...managers, sessionKeys: [OTHER_KEY] });
		expect(await statusOf(mcp, session)).toBe(404);
	});
});

describe('handlers over managers of their own', () => {
	it('share neither sessions nor changes, also with the same keys', async () => {
		const one = createHandler(createManagers());
		const other = createHandler(createManagers());
		const session = await open(one.mcp);
		expect(await statusOf(other.mcp, session)).toBe(404);
		const response = await send(one.mcp, 'GET', session);
		other.server.changed('tools');
		await send(one.mcp, 'DELETE', session);
		expect(await response.text()).not.toContain('list_changed');
	});
});
