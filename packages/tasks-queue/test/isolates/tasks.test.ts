import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });
const APPROVED = { 'input-1': { action: 'accept', content: { approve: true } } };

const logged: string[] = [];
let workers: Workers<'a' | 'b'>;

beforeAll(async () => {
	workers = await startWorkers({
		entry: join(import.meta.dirname, '../fixture/worker.ts'),
		workers: ['a', 'b'],
		kvNamespaces: [],
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject', EFFECTS: 'Effects' },
		queues: { TMCP_TASK_QUEUE: 'tmcp-tasks' },
		queueConsumers: [
			{
				name: 'tmcp-tasks',
				maxBatchSize: 1,
				maxBatchTimeout: 0,
				maxRetries: 2,
				deadLetterQueue: 'tmcp-tasks-dead',
			},
			{ name: 'tmcp-tasks-dead', maxBatchSize: 1, maxBatchTimeout: 0 },
		],
		onLog: (line) => void logged.push(line),
	});
});
afterAll(() => workers.stop());

/** A client of the handler of this name, in one isolate. */
function client(isolate: 'a' | 'b', handler = 'tasks'): TaskClient {
	const url = new URL(`/mcp/${handler}`, workers.url(isolate));
	return new TaskClient({
		fetch: (request) => fetch(new Request(url, request)),
	});
}

async function count(effect: string): Promise<number> {
	const response = await fetch(new URL('/effects', workers.url('a')));
	const effects = await response.json<string[]>();
	return effects.filter((name) => name === effect).length;
}

describe('M13 tasks: tasks in consumers of a queue, on two isolates', () => {
	it('run their steps once', async () => {
		const taskId = await client('a').start('five_steps', { id: 'once' });
		expect(await client('b').ended(taskId)).toMatchObject({
			status: 'completed',
			result: text('once: 15 in start 1'),
		});
		for (const step of [1, 2, 3, 4, 5]) expect(await count(`once ${step}`)).toBe(1);
	});

	it('leave their consumer while they wait for the client, whose response on B wakes them', async () => {
		const taskId = await client('a').start('ask', { id: 'asked' });
		await client('b').until(taskId, 'input_required');
		await new Promise((resolve) => setTimeout(resolve, 500));
		await client('b').update(taskId, APPROVED);
		expect(await client('a').ended(taskId)).toMatchObject({
			result: text('published true in start 2'),
		});
		expect(await count('asked before')).toBe(1);
		expect(await count('asked after')).toBe(1);
	});

	it('leave their consumer while they sleep', async () => {
		const taskId = await client('a').start('sleep', { id: 'slept' });
		expect(await client('b').ended(taskId)).toMatchObject({ result: text('awake in start 2') });
		expect(await count('slept before')).toBe(1);
		expect(await count('slept after')).toBe(1);
	});

	it('continue in another consumer if they take longer than maxRunSeconds', async () => {
		const taskId = await client('a', 'brief').start('five_steps', { id: 'long' });
		expect(await client('b', 'brief').ended(taskId)).toMatchObject({
			status: 'completed',
			result: text(expect.stringMatching(/^long: 15 in start ([2-9]|\d\d)$/) as string),
		});
		expect(await count('long 1')).toBe(1);
		expect(logged.join('\n')).not.toContain('Uncaught');
	});

	it('fail if they take longer than maxRunSeconds and have stored nothing', async () => {
		const taskId = await client('a', 'brief').start('plain', { id: 'lost' });
		const task = await client('b', 'brief').ended(taskId);
		expect(task['statusMessage']).toContain(
			'plain was interrupted by a restart and cannot be resumed',
		);
		expect(await count('lost begun')).toBe(1);
		await expect.poll(() => count('lost aborted')).toBe(1);
	});

	it('are cancelled from another isolate, which aborts the signal of their call', async () => {
		const taskId = await client('a').start('plain', { id: 'cut' });
		await expect.poll(() => count('cut begun')).toBe(1);
		await client('b').cancel(taskId);
		expect(await client('a').ended(taskId)).toMatchObject({ status: 'cancelled' });
		await expect.poll(() => count('cut aborted')).toBe(1);
	});

	it('are delivered again if their store was down', async () => {
		const taskId = await client('a', 'flaky').start('five_steps', { id: 'again' });
		expect(await client('a', 'flaky').ended(taskId)).toMatchObject({
			result: text('again: 15 in start 2'),
		});
	});

	it('fail once their message is a dead letter', async () => {
		const taskId = await client('a', 'broken').start('five_steps', { id: 'dead' });
		expect(await client('a', 'broken').ended(taskId)).toMatchObject({
			status: 'failed',
			statusMessage: expect.stringContaining(
				'The queue has delivered the call of this task in vain',
			),
		});
	});

	it('run once if their message is delivered twice', async () => {
		const taskId = await client('a').start('ask', { id: 'twice' });
		await client('a').until(taskId, 'input_required');
		const task = taskId.split('.')[1];
		const message = { handler: 'tasks', task, start: 1, notBeforeMs: 0 };
		await fetch(new URL('/send', workers.url('a')), {
			method: 'POST',
			body: JSON.stringify(message),
		});
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(await count('twice before')).toBe(1);
		await client('a').update(taskId, APPROVED);
		expect(await client('a').ended(taskId)).toMatchObject({ status: 'completed' });
	});
});

describe('a mistake of the deployment', () => {
	it.each([
		[{ other: 1, text: 'a-secret' }, 'an object with other, text'],
		['a-secret', 'string'],
		[
			{ handler: 'tasks', task: 'x', start: 0, notBeforeMs: 0 },
			'an object with handler, task, start, notBeforeMs',
		],
	])('is reported if a message %# is not one of tasks', async (body, found) => {
		await fetch(new URL('/send', workers.url('a')), { method: 'POST', body: JSON.stringify(body) });
		await expect
			.poll(() => logged.join('\n'))
			.toContain(
				`a message of the queue "tmcp-tasks" must be one that QueueTasks has sent; got ${found}. It was acknowledged`,
			);
		expect(logged.join('\n')).not.toContain('a-secret');
	});

	it('names the lines of wrangler.jsonc if the binding is missing', async () => {
		const { status } = await client('a', 'unbound').call('plain', { id: 'unbound' });
		expect(status).toBe(500);
		expect(logged.join('\n')).toContain('the binding MISSING must be a queue; got undefined');
		expect(logged.join('\n')).toContain(
			'"producers": [{ "binding": "MISSING", "queue": "tmcp-tasks" }]',
		);
	});
});
