import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { sessionState } from '@tmcp-sessions/state';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

const KEY = 'mUJ2cX9xWnVbq0cWc0b1e8m6O3p4v9K2Qd1ZrY7sT5g=';

/** Serves a tool that adds to a draft after its task has begun to run in the background. */
function deploy(info: StoredInfoSessionManager): McpHandler {
	const drafts = sessionState(info, { draft: v.string() });
	const server = new McpServer(
		{ name: 'drafts', version: '1.0.0' },
		{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
	);
	server.tool(
		{
			name: 'add_later',
			description: 'Adds text to a draft',
			schema: v.object({ text: v.string(), handle: v.optional(v.string()) }),
		},
		async ({ text, handle }) => {
			await new Promise((resolve) => setTimeout(resolve, 10));
			const state = await drafts.open(handle);
			const draft = await state.update('draft', (before = '') => before + text);
			const result = JSON.stringify({ draft, handle: state.handle });
			return { content: [{ type: 'text', text: result }] };
		},
	);
	return createMcpHandler(server, {
		info,
		sessionKeys: [KEY],
		principal: (request) => request.headers.get('x-user') ?? 'ada',
		tasks: new InMemoryTasks({ tools: { add_later: { pollSeconds: 0.1 } } }),
	});
}

/** Returns what the tool has returned. */
function draftIn(result: unknown): { readonly draft: string; readonly handle?: string } {
	// Safe because the tool returns this JSON.
	const { content } = Object(result) as { content: readonly [{ text: string }] };
	return JSON.parse(content[0].text) as { draft: string; handle?: string };
}

describe('state in a task', () => {
	it('of a stateless client has a handle, which another task opens for the same principal', async () => {
		const handler = deploy(new StoredInfoSessionManager(new InMemorySessionStore()));
		const run = async (user: string, args: Record<string, string>): Promise<Fields> => {
			const client = new TaskClient(handler, undefined, { 'x-user': user });
			return client.ended(await client.start('add_later', args));
		};
		const { draft, handle = '' } = draftIn((await run('ada', { text: 'a' }))['result']);
		expect(draft).toBe('a');
		const second = await run('ada', { text: 'b', handle });
		expect(draftIn(second['result'])).toEqual({ draft: 'ab', handle });
		const foreign = await run('bob', { text: 'c', handle });
		expect(foreign['status']).toBe('failed');
		expect(JSON.stringify(foreign)).toContain(
			"the handle is not one of this server's for this caller",
		);
	});

	it.each([
		['stored', new StoredInfoSessionManager(new InMemorySessionStore())],
		[
			'sealed',
			new SealedInfoSessionManager({
				keys: [KEY],
				rest: new StoredInfoSessionManager(new InMemorySessionStore()),
			}),
		],
	])('of a session-based client is that of its %s session', async (_kind, info) => {
		const handler = deploy(info);
		const headers: Record<string, string> = {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
		};
		const post = (message: object): Promise<Response> => {
			const body = JSON.stringify({ jsonrpc: '2.0', ...message });
			return handler.fetch(
				new Request('http://localhost/mcp', { method: 'POST', headers, body }),
				{},
			);
		};
		const opened = await post({
			id: 0,
			method: 'initialize',
			params: {
				protocolVersion: '2025-11-25',
				capabilities: {},
				clientInfo: { name: 'test', version: '1.0.0' },
			},
		});
		headers['mcp-session-id'] = opened.headers.get('mcp-session-id') ?? '';
		headers['mcp-protocol-version'] = '2025-11-25';
		const add = async (text: string): Promise<unknown> => {
			const params = { name: 'add_later', arguments: { text } };
			const response = await post({ id: text, method: 'tools/call', params });
			const [, data = '{}'] = /(?:^|data: )(\{.*"result".*\})/m.exec(await response.text()) ?? [];
			return draftIn((JSON.parse(data) as { result?: unknown }).result);
		};
		expect(await add('a')).toMatchObject({ draft: 'a' });
		expect(await add('b')).toMatchObject({ draft: 'ab' });
	});
});
