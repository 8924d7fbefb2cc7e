import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });
const APPROVED = { 'input-1': { action: 'accept', content: { approve: true } } };

let deployment: Deployment;
beforeAll(async () => {
	deployment = await Deployment.start();
});
afterAll(() => deployment.workers.stop());
const a = (): ReturnType<Deployment['client']> => deployment.client('a');
const b = (): ReturnType<Deployment['client']> => deployment.client('b');

describe('M13 tasks: tasks in Workflow instances, on two isolates', () => {
	it('run their steps once, each as a step of the instance', async () => {
		const taskId = await a().start('five_steps', { id: 'once' });
		expect(await b().ended(taskId)).toMatchObject({
			status: 'completed',
			result: text('once: 15'),
		});
		expect(await deployment.count('once 3')).toBe(1);
		const status = await deployment.control('status', taskId);
		expect(status).toMatchObject({ status: 'complete', __LOCAL_DEV_STEP_OUTPUTS: [1, 2, 3, 4, 5] });
	});

	it('find their task and `server.ctx` in a step, which Workflows calls', async () => {
		const task = await a().ended(await a().start('in_step', { id: '' }));
		expect(task).toMatchObject({ result: text('{"attempt":1,"user":"[\\"ada\\",null]"}') });
	});

	it('ask on A and are answered on B', async () => {
		const taskId = await a().start('ask', { id: 'asked' });
		await b().until(taskId, 'input_required');
		await b().update(taskId, APPROVED);
		expect(await a().ended(taskId)).toMatchObject({ result: text('published true') });
		expect(await deployment.count('asked before')).toBe(1);
	});

	it('are cancelled from another isolate, which aborts the signal of their call', async () => {
		const taskId = await a().start('plain', { id: 'cut' });
		await expect.poll(() => deployment.count('cut begun')).toBe(1);
		await b().cancel(taskId);
		expect(await a().ended(taskId)).toMatchObject({ status: 'cancelled' });
		await expect.poll(() => deployment.count('cut aborted')).toBe(1);
	});

	it('run no further step once they are cancelled', async () => {
		const taskId = await a().start('five_steps', { id: 'stopped' });
		await expect.poll(() => deployment.count('stopped 1'), { interval: 5 }).toBe(1);
		await b().cancel(taskId);
		await expect
			.poll(async () => (await deployment.control('status', taskId))['status'])
			.toBe('complete');
		expect(await deployment.count('stopped 3')).toBe(0);
	});

	it('end their instance if they are cancelled while they sleep', async () => {
		const taskId = await a().start('long_sleep', { id: 'idle' });
		await expect.poll(() => deployment.count('idle asleep')).toBe(1);
		await b().cancel(taskId);
		const status = async (): Promise<unknown> =>
			(await deployment.control('status', taskId))['status'];
		await expect.poll(status).toMatch(/complete|terminated/);
	});

	it('hand the tool the error that its step has thrown', async () => {
		const task = await a().ended(await a().start('caught', { id: '' }));
		expect(task).toMatchObject({ result: text('out of ink') });
	});
});

describe('a task that Workflows cannot run', () => {
	it('fails if a step takes longer than stepSeconds, and drops its late result', async () => {
		const taskId = await a().start('slow_step', { id: 'slow' });
		const task = await a().ended(taskId);
		expect(JSON.stringify(task)).toContain('the step \\"slow\\" took longer than 1 s');
		expect(JSON.stringify(task)).toContain('set stepSeconds of WorkflowTasks');
	});

	it('fails if the result of a step is over 1 MiB, and names the step', async () => {
		const task = await a().ended(await a().start('large', { bytes: 1_100_000 }));
		expect(task).toMatchObject({
			status: 'failed',
			statusMessage: expect.stringContaining(
				'the result of the step "create" must have at most 1000000 bytes of JSON; got 1100002',
			),
		});
		const fits = await a().ended(await a().start('large', { bytes: 990_000 }));
		expect(fits).toMatchObject({ result: text('990000') });
	});

	it('names the lines of wrangler.jsonc if the binding is missing', async () => {
		const response = await fetch(new URL('/unbound', deployment.workers.url('a')), {
			method: 'POST',
		});
		expect(response.status).toBe(500);
		const logged = deployment.logged.join('\n');
		expect(logged).toContain('the binding MISSING must be a Workflow; got undefined');
		expect(logged).toContain(
			'"workflows": [{ "name": "tmcp-tasks", "binding": "MISSING", "class_name": "TaskWorkflow" }]',
		);
		expect(logged).toContain("export { TaskWorkflow } from '@tmcp-sessions/tasks-workflows';");
	});

	it('fails at the response of the client if its instance no longer exists', async () => {
		const taskId = await a().start('ask', { id: 'gone' });
		await b().until(taskId, 'input_required');
		await deployment.control('delete', taskId);
		await b().update(taskId, APPROVED);
		expect(await a().ended(taskId)).toMatchObject({
			status: 'failed',
			statusMessage: 'ask cannot go on: its Workflow instance no longer exists. Call it again',
		});
	});

	it('fails at the response of the client if its instance was terminated', async () => {
		const taskId = await a().start('ask', { id: 'ended' });
		await b().until(taskId, 'input_required');
		await deployment.control('terminate', taskId);
		await b().update(taskId, APPROVED);
		expect((await a().ended(taskId))['statusMessage']).toBe(
			'ask cannot go on: its Workflow instance was terminated. Call it again',
		);
	});

	it('is not started by an instance with other parameters', async () => {
		const { message } = await deployment.control('foreign');
		expect(message).toContain(
			'an instance of TaskWorkflow needs the parameters handler and task, which WorkflowTasks sets; got ' +
				'an object with other',
		);
	});
});
