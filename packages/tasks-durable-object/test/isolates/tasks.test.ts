import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

const text = (value: string): object => ({ content: [{ type: 'text', text: value }] });

describe('M13 tasks: tasks in objects, on two isolates', () => {
	let deployment: Deployment;
	beforeAll(async () => {
		deployment = await Deployment.start();
	});
	afterAll(() => deployment.workers.stop());

	it('run their steps once and show their status', async () => {
		const taskId = await deployment.client('a').start('five_steps', { id: 'once' });
		expect(await deployment.client('b').ended(taskId)).toMatchObject({
			status: 'completed',
			result: text('once: 15'),
		});
		const effects = await deployment.effects();
		expect([1, 2, 3, 4, 5].map((number) => effects[`once ${number}`])).toEqual([1, 1, 1, 1, 1]);
	});

	it('ask on A, are answered on B, and skip their steps after leaving memory', async () => {
		const [a, b] = [deployment.client('a'), deployment.client('b')];
		const taskId = await a.start('ask', { id: 'asked' });
		await b.until(taskId, 'input_required');
		await expect
			.poll(() => deployment.workers.evict({ className: 'TaskObject' }), { interval: 50 })
			.toBeGreaterThan(0);
		await b.update(taskId, { 'input-1': { action: 'accept', content: { approve: true } } });
		expect(await a.ended(taskId)).toMatchObject({
			status: 'completed',
			result: text('published true'),
		});
		const effects = await deployment.effects();
		expect([effects['asked before'], effects['asked after']]).toEqual([1, 1]);
	});

	it('sleep over a restart of the runtime', async () => {
		const taskId = await deployment.client('a').start('sleep', { id: 'slept' });
		await expect
			.poll(async () => (await deployment.effects())['slept before'], { interval: 20 })
			.toBe(1);
		await deployment.workers.restart();
		expect(await deployment.client('b').ended(taskId)).toMatchObject({ status: 'completed' });
		const effects = await deployment.effects();
		expect([effects['slept before'], effects['slept after']]).toEqual([1, 1]);
	});

	it('fail clearly if a call without steps is cut off', async () => {
		const taskId = await deployment.client('a').start('plain');
		await deployment.client('a').until(taskId, 'working');
		await new Promise((resolve) => setTimeout(resolve, 300));
		await deployment.workers.restart();
		const task = await deployment.client('a').ended(taskId);
		expect(task).toMatchObject({ status: 'failed' });
		expect(task['statusMessage']).toContain(
			'plain was interrupted by a restart and cannot be resumed',
		);
	});

	it('run no further step once they are cancelled', async () => {
		const taskId = await deployment.client('a').start('five_steps', { id: 'cut' });
		await expect.poll(async () => (await deployment.effects())['cut 1'], { interval: 5 }).toBe(1);
		await deployment.client('b').cancel(taskId);
		const before = await deployment.effects();
		await new Promise((resolve) => setTimeout(resolve, 500));
		const after = await deployment.effects();
		// One step may have been under way.
		const steps = (effects: Record<string, number>): number =>
			[1, 2, 3, 4, 5].filter((number) => effects[`cut ${number}`]).length;
		expect(steps(after) - steps(before)).toBeLessThanOrEqual(1);
		expect(after['cut 5']).toBeUndefined();
		expect((await deployment.client('a').get(taskId)).result).toMatchObject({
			status: 'cancelled',
		});
	});

	it('are cancelled from another isolate', async () => {
		const taskId = await deployment.client('a').start('plain');
		expect((await deployment.client('b').cancel(taskId)).result).toEqual({
			resultType: 'complete',
		});
		expect(await deployment.client('a').ended(taskId)).toMatchObject({ status: 'cancelled' });
	});

	it('are unknown to another principal', async () => {
		const taskId = await deployment.client('a').start('quick');
		const mallory = deployment.client('b', 'mallory');
		expect((await mallory.get(taskId)).error).toMatchObject({ code: -32602 });
		expect((await mallory.cancel(taskId)).error).toMatchObject({ code: -32602 });
	});

	it('are limited per principal while they run', async () => {
		const bob = deployment.client('a', 'bob');
		const ids: string[] = [];
		while (ids.length < 20) ids.push(await bob.start('plain'));
		expect((await bob.call('plain')).status).toBe(429);
		for (const id of ids) await bob.cancel(id);
		const again = async (): Promise<number> => (await bob.call('quick')).status;
		await expect.poll(again, { interval: 50 }).toBe(200);
	});
});
