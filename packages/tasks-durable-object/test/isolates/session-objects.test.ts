import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readNotifications, TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';

const WITHOUT_TASKS = { elicitation: {} };
const textOf = (result: unknown): string => {
	const { content } = Object(result) as { content?: readonly { text?: string }[] };
	return content?.[0]?.text ?? '';
};

describe('tasks whose tools run in session objects, on two isolates', () => {
	let workers: Workers<'a' | 'b'>;
	beforeAll(async () => {
		workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture/session-worker.ts'),
			workers: ['a', 'b'],
			kvNamespaces: [],
			durableObjects: { TMCP_TASK_OBJECT: 'TaskObject', COUNTING: 'CountingSession' },
		});
	});
	afterAll(() => workers.stop());

	const client = (name: 'a' | 'b', user: string, capabilities?: object): TaskClient =>
		new TaskClient(() => workers.url(name), capabilities, { 'x-user': user });
	const counters = async (user: string): Promise<number[]> =>
		JSON.parse(textOf((await client('b', user).call('counters')).result)) as number[];
	const evictSessions = (): Promise<number> => workers.evict({ className: 'CountingSession' });

	it('run beside the state of the session, found by the other isolate', async () => {
		const taskId = await client('a', 'ada').start('count');
		expect(await client('b', 'ada').ended(taskId)).toMatchObject({
			status: 'completed',
			statusMessage: 'half',
			result: { content: [{ text: 'counted' }] },
		});
		expect(await counters('ada')).toEqual([1, 2]);
	});

	it('ask while both objects leave memory, and skip their steps afterwards', async () => {
		const taskId = await client('a', 'bob').start('ask');
		await client('b', 'bob').until(taskId, 'input_required');
		await expect.poll(evictSessions, { interval: 50 }).toBeGreaterThan(0);
		await workers.evict({ className: 'TaskObject' });
		await client('b', 'bob').update(taskId, {
			'input-1': { action: 'accept', content: { approve: true } },
		});
		expect(await client('a', 'bob').ended(taskId)).toMatchObject({
			result: { content: [{ text: 'answered true' }] },
		});
		expect(await counters('bob')).toEqual([2, 2]);
	});

	it('go on after a restart of the runtime in the middle, and run no stored step again', async () => {
		const taskId = await client('a', 'carl').start('cut');
		await expect.poll(async () => (await counters('carl'))[1], { interval: 50 }).toBe(1);
		await workers.restart();
		expect(await client('b', 'carl').ended(taskId)).toMatchObject({ status: 'completed' });
		expect(await counters('carl')).toEqual([2, 2]);
	});

	it('sleep without either object in memory', async () => {
		const taskId = await client('a', 'dora').start('sleep');
		await expect.poll(async () => (await counters('dora'))[1], { interval: 20 }).toBe(1);
		await workers.restart();
		expect(await client('b', 'dora').ended(taskId)).toMatchObject({ status: 'completed' });
		expect((await counters('dora'))[1]).toBe(2);
	});

	it('are cancelled in the object of the session', async () => {
		const taskId = await client('a', 'eve').start('slow');
		await expect.poll(async () => (await counters('eve'))[1], { interval: 20 }).toBeGreaterThan(0);
		await client('b', 'eve').cancel(taskId);
		const [, before = 0] = await counters('eve');
		await new Promise((resolve) => setTimeout(resolve, 800));
		expect((await counters('eve'))[1]).toBeLessThanOrEqual(before + 1);
		expect((await client('a', 'eve').get(taskId)).result).toMatchObject({ status: 'cancelled' });
	});

	it('are unknown to another principal on every method and in listen', async () => {
		const taskId = await client('a', 'fred').start('ask');
		await client('a', 'fred').until(taskId, 'input_required');
		const mallory = client('b', 'mallory');
		const replies = [mallory.get(taskId), mallory.cancel(taskId), mallory.update(taskId, {})];
		for (const { error } of await Promise.all(replies)) {
			expect(error).toMatchObject({ code: -32602 });
		}
		const response = await mallory.send('subscriptions/listen', {
			notifications: { taskIds: [taskId], toolsListChanged: true },
		});
		const stream = readNotifications(response);
		const { notifications } = Object((await stream.next())['params']) as Fields;
		expect(notifications).toEqual({ toolsListChanged: true });
		await stream.stop();
		await client('a', 'fred').cancel(taskId);
	});

	it('are observed by the Worker that holds the stream', async () => {
		const taskId = await client('a', 'gina').start('ask');
		await client('a', 'gina').until(taskId, 'input_required');
		const response = await client('b', 'gina').send('subscriptions/listen', {
			notifications: { taskIds: [taskId], toolsListChanged: true },
		});
		const stream = readNotifications(response);
		const { notifications } = Object((await stream.next())['params']) as Fields;
		expect(notifications).toEqual({ toolsListChanged: true, taskIds: [taskId] });
		const seen: unknown[] = [];
		const next = async (): Promise<void> => {
			seen.push((Object((await stream.next())['params']) as Fields)['status']);
		};
		await next();
		await client('a', 'gina').update(taskId, { 'input-1': { action: 'decline' } });
		while (seen.at(-1) !== 'completed') await next();
		expect(seen).toEqual(['input_required', 'working', 'completed']);
		await stream.stop();
	});

	it('are polled with tools by a client without the extension', async () => {
		const poller = client('a', 'hugo', WITHOUT_TASKS);
		const listed = (await poller.request('tools/list', {})).result as { tools: { name: string }[] };
		expect(listed.tools.map(({ name }) => name)).toEqual(
			expect.arrayContaining(['count', 'task_status', 'task_cancel']),
		);
		const started = textOf((await poller.call('count')).result);
		const [, taskId = ''] = / task (t1\.\S+)\. /.exec(started) ?? [];
		const status = async (): Promise<string> =>
			textOf((await client('b', 'hugo', WITHOUT_TASKS).call('task_status', { taskId })).result);
		await expect.poll(status, { interval: 50 }).toBe('counted');
	});
});
