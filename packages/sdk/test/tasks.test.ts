import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createSdkHandler } from '@tmcp-sessions/sdk';
import { currentTask, InMemoryTasks } from '@tmcp-sessions/tasks';
import { SessionTaskClient } from '@tmcp-sessions/testkit/session-task-client';
import { readNotifications, TaskClient, TASKS } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { McpServer } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { textOf } from './clients.ts';
import { createNotesServer } from './fixture/notes-server.ts';

interface Deployment {
	client: TaskClient;
	plain: TaskClient;
	/** Opens a session of 2025-11-25. */
	open: () => Promise<SessionTaskClient>;
	errors: Error[];
}

function deploy(): Deployment {
	const errors: Error[] = [];
	const policy = { pollSeconds: 0.1 };
	const tasks = new InMemoryTasks({
		tools: { ask: policy, fail: policy, measure: policy, progress: policy },
	});
	const handler = createSdkHandler(createNotesServer, {
		tasks,
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
		streams: new InMemoryStreamSessionManager(),
		onError: (error) => void errors.push(error),
	});
	const open = (): Promise<SessionTaskClient> => SessionTaskClient.open(handler);
	return { client: new TaskClient(handler), plain: new TaskClient(handler, {}), open, errors };
}

describe('a call of a server of the SDK that becomes a task', () => {
	it('has the result of the tool, also with an outputSchema', async () => {
		const { client, errors } = deploy();
		const task = await client.ended(await client.start('measure', { as: 'number' }));
		expect(task).toMatchObject({
			status: 'completed',
			result: { structuredContent: { celsius: 21 } },
		});
		expect(errors).toEqual([]);
	});

	it('has an error if the result breaks the outputSchema', async () => {
		const { client } = deploy();
		const { result } = await client.ended(await client.start('measure', { as: 'text' }));
		expect(result).toMatchObject({ isError: true });
		expect(textOf(result)).toMatch(/Invalid structured content for tool measure/);
	});

	it('requires the input that the tool elicits', async () => {
		const { client } = deploy();
		const id = await client.start('ask');
		const { inputRequests } = await client.until(id, 'input_required');
		const [key = ''] = Object.keys(Object(inputRequests) as object);
		await client.update(id, { [key]: { action: 'accept', content: { sure: true } } });
		expect(textOf((await client.ended(id))['result'])).toBe('accept {"sure":true}');
	});

	it('asks with a schema of the library, which the client gets as JSON Schema', async () => {
		const tasks = new InMemoryTasks({ tools: { print: { pollSeconds: 0.1 } } });
		const createServer = (): McpServer => {
			const server = new McpServer({ name: 'printer', version: '1.0.0' });
			server.registerTool('print', {}, async () => {
				const { content } = await currentTask().ask('How many?', z.object({ copies: z.number() }));
				return { content: [{ type: 'text', text: `${content?.copies} copies` }] };
			});
			return server;
		};
		const client = new TaskClient(createSdkHandler(createServer, { tasks }));
		const id = await client.start('print');
		const { inputRequests } = await client.until(id, 'input_required');
		const [[key, request] = ['', undefined]] = Object.entries(Object(inputRequests) as object);
		expect(request).toMatchObject({
			params: { requestedSchema: { type: 'object', properties: { copies: { type: 'number' } } } },
		});
		await client.update(id, { [key]: { action: 'accept', content: { copies: 3 } } });
		expect(textOf((await client.ended(id))['result'])).toBe('3 copies');
	});

	it('is announced by server/discover', async () => {
		const { client } = deploy();
		const { result } = await client.request('server/discover', {});
		expect(result['capabilities']).toMatchObject({ extensions: TASKS });
	});

	it('runs for a session of 2025-11-25, whose tasks/result carries what the tool elicits', async () => {
		const client = await deploy().open();
		const { capabilities } = client.initialized;
		expect(capabilities).toMatchObject({ tasks: { list: {}, cancel: {} } });
		const { tools } = (await client.request('tools/list')).result as { tools: object[] };
		expect(tools).toContainEqual(
			expect.objectContaining({ name: 'ask', execution: { taskSupport: 'optional' } }),
		);
		const { taskId } = await client.start('ask');
		const stream = await client.send('tasks/result', { taskId });
		let message = await stream.next();
		while (message['method'] !== 'elicitation/create') message = await stream.next();
		const result = { action: 'accept', content: { sure: true } };
		await client.respond(message['id'], { result });
		while (!message['result']) message = await stream.next();
		expect(textOf(message['result'])).toBe('accept {"sure":true}');
	});

	it('waits for the result if the client does not know tasks', async () => {
		const { result } = await deploy().plain.call('measure', { as: 'number' });
		expect(result).toMatchObject({ structuredContent: { celsius: 21 } });
	});

	it('notifies a subscription that observes it', async () => {
		const { client, errors } = deploy();
		const taskId = await client.start('ask');
		const response = await client.send('subscriptions/listen', {
			notifications: { taskIds: [taskId] },
		});
		const stream = readNotifications(response);
		const notifications = { taskIds: [taskId] };
		expect((await stream.next())['params']).toMatchObject({ notifications });
		const { inputRequests } = await client.until(taskId, 'input_required');
		const [key = ''] = Object.keys(Object(inputRequests) as object);
		await client.update(taskId, { [key]: { action: 'decline' } });
		const seen: Fields[] = [];
		while (seen.at(-1)?.['status'] !== 'completed') {
			seen.push(Object((await stream.next())['params']) as Fields);
		}
		expect(seen.at(-1)).toMatchObject({ taskId, result: { content: [{ text: 'decline null' }] } });
		await stream.stop();
		expect(errors).toEqual([]);
	});
});
