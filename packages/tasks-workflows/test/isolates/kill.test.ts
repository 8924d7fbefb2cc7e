import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

const TASKS = 20;
const STEPS = [1, 2, 3, 4, 5];
const APPROVED = { 'input-1': { action: 'accept', content: { approve: true } } };

let deployment: Deployment;
beforeAll(async () => {
	deployment = await Deployment.start();
});
afterAll(() => deployment.workers.stop());

/** Restarts the runtime, and has instances go on. */
async function restart(taskIds: readonly string[]): Promise<void> {
	await deployment.workers.restart();
	for (const taskId of taskIds) await deployment.control('wake', taskId);
}

describe('tasks whose process is killed in the middle', () => {
	it('all end in the next process, and run no stored step again', async () => {
		const client = deployment.client('a');
		const ids = await Promise.all(
			Array.from({ length: TASKS }, (_, index) => client.start('five_steps', { id: `k${index}` })),
		);
		const untilEffects = async (count: number): Promise<void> => {
			await expect
				.poll(async () => (await deployment.allEffects()).length, { interval: 5 })
				.toBeGreaterThan(count);
		};
		await untilEffects(TASKS);
		await restart(ids);
		await untilEffects(3 * TASKS);
		await restart(ids);
		for (const [index, taskId] of ids.entries()) {
			const task = await deployment.client('b').ended(taskId);
			expect(task, String(task['statusMessage'])).toMatchObject({
				status: 'completed',
				result: { content: [{ text: `k${index}: 15` }] },
			});
		}
		const stored = new Set<string>();
		const again: string[] = [];
		for (const effect of await deployment.allEffects()) {
			if (effect.endsWith(' stored')) stored.add(effect.slice(0, -' stored'.length));
			else if (stored.has(effect)) again.push(effect);
		}
		expect(again).toEqual([]);
		expect(stored.size).toBe(TASKS * STEPS.length);
	}, 120_000);

	it('sleep over a restart', async () => {
		const taskId = await deployment.client('a').start('sleep', { id: 'slept' });
		await expect.poll(() => deployment.count('slept before'), { interval: 20 }).toBe(1);
		await restart([taskId]);
		expect(await deployment.client('b').ended(taskId)).toMatchObject({ status: 'completed' });
		expect(await deployment.count('slept before')).toBe(1);
		expect(await deployment.count('slept after')).toBe(1);
	});

	it.each(['ask', 'only_ask'])(
		'%s over a restart, after which the response wakes them',
		async (name) => {
			const taskId = await deployment.client('a').start(name, { id: name });
			await deployment.client('b').until(taskId, 'input_required');
			// What waits is stored after the question.
			await new Promise((resolve) => setTimeout(resolve, 500));
			await deployment.workers.restart();
			await deployment.client('b').update(taskId, APPROVED);
			expect(await deployment.client('a').ended(taskId)).toMatchObject({
				status: 'completed',
				result: { content: [{ text: 'published true' }] },
			});
			if (name === 'ask') expect(await deployment.count('ask before')).toBe(1);
		},
	);

	it('fail if they have stored nothing', async () => {
		const taskId = await deployment.client('a').start('plain', { id: 'lost' });
		await expect.poll(() => deployment.count('lost begun')).toBe(1);
		await restart([taskId]);
		expect((await deployment.client('a').ended(taskId))['statusMessage']).toContain(
			'plain was interrupted by a restart and cannot be resumed',
		);
		expect(await deployment.count('lost begun')).toBe(1);
	});

	it('fail if they reach another step than before, which does not run', async () => {
		const taskId = await deployment.client('a').start('diverging', { id: 'other' });
		await expect.poll(() => deployment.count('other 1')).toBe(1);
		await new Promise((resolve) => setTimeout(resolve, 500));
		await restart([taskId]);
		expect((await deployment.client('a').ended(taskId))['statusMessage']).toContain(
			'the step "zero" differs from an earlier start of this call, which completed "one" in its place',
		);
		expect(await deployment.count('other 2')).toBe(0);
	});
});
