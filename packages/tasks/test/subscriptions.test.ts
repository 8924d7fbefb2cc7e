import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { describe, expect, it } from 'vitest';

import { createReportServer } from './report-server.ts';
import type { ReportServer } from './report-server.ts';
import { readNotifications, TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';

function deploy(): ReportServer & { client: TaskClient; plain: TaskClient } {
	const reports = createReportServer();
	const tasks = new InMemoryTasks({
		tools: { ask: {}, change: {}, quick: {}, wait: {}, 'elicit-two': {} },
	});
	const principal = (request: Request): string => request.headers.get('x-user') ?? 'ada';
	const handler = createMcpHandler(reports.server, { tasks, principal, onError: () => {} });
	const plain = new TaskClient(handler, {});
	return { ...reports, client: new TaskClient(handler), plain };
}

const listen = (client: TaskClient, notifications: object): Promise<Response> =>
	client.send('subscriptions/listen', { notifications });
const paramsOf = ({ params }: Fields): Fields => Object(params) as Fields;

describe('subscriptions/listen', () => {
	it('acknowledges tasks beside list changes, once, before any notification', async () => {
		const { client, server } = deploy();
		const taskId = await client.start('ask');
		const notifications = { taskIds: [taskId, 'forged'], toolsListChanged: true };
		const stream = readNotifications(await listen(client, notifications));
		const acknowledged = await stream.next();
		expect(acknowledged).toMatchObject({
			method: 'notifications/subscriptions/acknowledged',
			params: { notifications: { taskIds: [taskId], toolsListChanged: true } },
		});
		const meta = paramsOf(acknowledged)['_meta'];
		expect(await stream.next()).toMatchObject({
			method: 'notifications/tasks',
			params: { taskId },
		});
		server.changed('tools');
		const methods = [(await stream.next())['method'], 'notifications/tools/list_changed'];
		expect(methods).toContain('notifications/tools/list_changed');
		expect(meta).toHaveProperty('io.modelcontextprotocol/subscriptionId');
		await stream.stop();
	});

	it('sends what a tool changes while it runs as a task', async () => {
		const { client } = deploy();
		const stream = readNotifications(await listen(client, { toolsListChanged: true }));
		await stream.next();
		await client.start('change');
		expect(await stream.next()).toMatchObject({ method: 'notifications/tools/list_changed' });
		await stream.stop();
	});

	it('sends each change of a task with the full task, in order and once', async () => {
		const { client } = deploy();
		const taskId = await client.start('elicit-two');
		await client.until(taskId, 'input_required');
		const stream = readNotifications(await listen(client, { taskIds: [taskId] }));
		await stream.next();
		const accept = { action: 'accept', content: { approve: true } };
		await client.update(taskId, { 'input-1': accept });
		await client.update(taskId, { 'input-2': accept });
		const seen: Fields[] = [];
		while (seen.at(-1)?.['status'] !== 'completed') seen.push(paramsOf(await stream.next()));
		const outstanding = seen.map(({ inputRequests }) =>
			Object.keys(Object(inputRequests) as object),
		);
		expect(seen.map(({ status }) => status)).toEqual([
			'input_required',
			'input_required',
			'working',
			'completed',
		]);
		expect(outstanding).toEqual([['input-1', 'input-2'], ['input-2'], [], []]);
		const { resultType, ...task } = (await client.get(taskId)).result;
		const { _meta, ...last } = seen.at(-1) ?? {};
		expect(last).toEqual(task);
		expect(resultType).toBe('complete');
		await stream.stop();
	});

	it('starts with the current state, also if the task has ended', async () => {
		const { client } = deploy();
		const taskId = await client.start('quick');
		await client.ended(taskId);
		const stream = readNotifications(await listen(client, { taskIds: [taskId] }));
		expect(await stream.next()).toMatchObject({ params: { notifications: { taskIds: [taskId] } } });
		expect(await stream.next()).toMatchObject({ params: { taskId, status: 'completed' } });
		await stream.stop();
	});

	it('agrees to no task of another principal', async () => {
		const { client } = deploy();
		const taskId = await client.start('wait');
		const headers = { 'x-user': 'bob' };
		const params = { notifications: { taskIds: [taskId] } };
		const stream = readNotifications(
			await client.send('subscriptions/listen', params, { headers }),
		);
		const { notifications } = paramsOf(await stream.next());
		expect(notifications).toEqual({});
		await stream.stop();
	});

	it('is rejected with -32021 for a client without the extension', async () => {
		const { client, plain } = deploy();
		const taskId = await client.start('quick');
		const { error, status } = await plain.request('subscriptions/listen', {
			notifications: { taskIds: [taskId] },
		});
		expect({ status, code: error?.code }).toEqual({ status: 400, code: -32021 });
	});

	it.each([['one'], { 0: 'one' }, 'one'].slice(1))(
		'rejects the ids %o with -32602',
		async (taskIds) => {
			const { client } = deploy();
			const { error } = await client.request('subscriptions/listen', {
				notifications: { taskIds },
			});
			expect(error).toMatchObject({ code: -32602 });
		},
	);
});
