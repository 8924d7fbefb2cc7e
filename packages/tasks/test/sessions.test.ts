import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import type { TaskTool } from '@tmcp-sessions/tasks';
import { expect, it } from 'vitest';

import { createReportServer } from './report-server.ts';
import { readNotifications } from '@tmcp-sessions/testkit/task-client';
import type { Fields, Notifications } from '@tmcp-sessions/testkit/task-client';

/** A session-based client. */
class Session {
	readonly #handler: McpHandler;
	#headers: Record<string, string> = {
		'content-type': 'application/json',
		accept: 'application/json, text/event-stream',
	};
	#nextId = 1;

	private constructor(handler: McpHandler) {
		this.#handler = handler;
	}

	static async open(
		tools: Record<string, TaskTool>,
		protocolVersion = '2025-11-25',
	): Promise<Session> {
		const { server } = createReportServer();
		const handler = createMcpHandler(server, {
			info: new StoredInfoSessionManager(new InMemorySessionStore()),
			streams: new InMemoryStreamSessionManager(),
			tasks: new InMemoryTasks({ tools }),
			onError: () => {},
		});
		const session = new Session(handler);
		const response = await session.post({
			jsonrpc: '2.0',
			id: 0,
			method: 'initialize',
			params: {
				protocolVersion,
				capabilities: { elicitation: {} },
				clientInfo: { name: 'test', version: '1.0.0' },
			},
		});
		session.#headers = {
			...session.#headers,
			'mcp-session-id': response.headers.get('mcp-session-id') ?? '',
			'mcp-protocol-version': protocolVersion,
		};
		await session.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
		return session;
	}

	post(message: Fields): Promise<Response> {
		const init = { method: 'POST', headers: this.#headers, body: JSON.stringify(message) };
		return this.#handler.fetch(new Request('http://localhost/mcp', init), {});
	}

	/** Calls a tool, and reads the messages of the response. */
	async call(name: string, args: Fields = {}): Promise<Notifications> {
		const params = { name, arguments: args };
		const id = this.#nextId++;
		return readNotifications(await this.post({ jsonrpc: '2.0', id, method: 'tools/call', params }));
	}

	async textOf(name: string, args: Fields = {}): Promise<string> {
		return textIn(await (await this.call(name, args)).next());
	}
}

function textIn({ error, result }: Fields): string {
	const { content } = Object(result) as { content?: readonly { text?: string }[] };
	return content?.[0]?.text ?? JSON.stringify(error);
}

it('asks a session-based client the question of a task inside of task_status', async () => {
	const session = await Session.open({ ask: { fallback: 'poll-tools' } });
	const started = await session.textOf('ask');
	const [, taskId = ''] = /task (t1\.\S+)\. /.exec(started) ?? [];
	const status = await session.call('task_status', { taskId });
	const question = await status.next();
	expect(question).toMatchObject({
		method: 'elicitation/create',
		params: { message: 'Publish?' },
	});
	const result = { action: 'accept', content: { approve: true } };
	const accepted = await session.post({ jsonrpc: '2.0', id: question['id'], result });
	expect(accepted.status).toBe(202);
	const after = textIn(await status.next());
	await expect
		.poll(async () =>
			after.includes('accept') ? after : session.textOf('task_status', { taskId }),
		)
		.toBe('accept true');
});

it('lets a session-based client wait, with its question on the stream of the call', async () => {
	const session = await Session.open({ ask: {} });
	const call = await session.call('ask');
	const question = await call.next();
	expect(question).toMatchObject({ method: 'elicitation/create' });
	const result = { action: 'decline' };
	await session.post({ jsonrpc: '2.0', id: question['id'], result });
	expect(textIn(await call.next())).toBe('decline undefined');
});

it('rejects a call of an older session with -32021 if the fallback is refuse', async () => {
	const session = await Session.open({ quick: { fallback: 'refuse' } }, '2025-06-18');
	const response = await session.post({
		jsonrpc: '2.0',
		id: 1,
		method: 'tools/call',
		params: { name: 'quick', arguments: {} },
	});
	expect(response.status).toBe(200);
	expect(await response.json()).toMatchObject({ id: 1, error: { code: -32021 } });
});
