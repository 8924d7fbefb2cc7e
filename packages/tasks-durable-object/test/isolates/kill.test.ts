import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { describe, expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

const TASKS = 200;
const USERS = 10;
const STEPS = [1, 2, 3, 4, 5];

describe('200 tasks with five steps, while objects are reset and the runtime is restarted', () => {
	it.each(workerdVersions)(
		'all end on workerd %s, run no stored step again, and no step after tasks/cancel',
		async (version) => {
			const deployment = await Deployment.start(version);
			try {
				const clients = Array.from({ length: USERS }, (_, user) =>
					deployment.client(user % 2 === 0 ? 'a' : 'b', `user ${user}`),
				);
				const clientOf = (index: number): (typeof clients)[number] => {
					const client = clients[index % USERS];
					if (!client) throw new Error('expected a client');
					return client;
				};
				const ids: string[] = [];
				/** The number of effects when the cancellation of a task was acknowledged. */
				const cancelled = new Map<string, number>();
				const cancel = async (index: number): Promise<void> => {
					await clientOf(index).cancel(ids[index] ?? '');
					cancelled.set(`k${index}`, (await deployment.allEffects()).length);
				};
				while (ids.length < TASKS) {
					const batch = Array.from({ length: USERS }, (_, offset) => ids.length + offset);
					ids.push(
						...(await Promise.all(
							batch.map((index) => clientOf(index).start('five_steps', { id: `k${index}` })),
						)),
					);
					// Some are cancelled and some are reset in the middle of their steps, the last one both.
					await Promise.all([ids.length - 4, ids.length - 1].map(cancel));
					for (const id of ids.slice(-3)) await deployment.reset(id);
				}
				await deployment.workers.restart();
				await Promise.all(ids.slice(0, 30).map((id) => deployment.reset(id)));
				await deployment.workers.restart();
				for (const [index, id] of ids.entries()) {
					const task = await clientOf(index).ended(id);
					if (task['status'] === 'cancelled' && cancelled.has(`k${index}`)) continue;
					// It had completed before.
					cancelled.delete(`k${index}`);
					expect(task, `task ${index}: ${String(task['statusMessage'])}`).toMatchObject({
						status: 'completed',
						result: { content: [{ text: `k${index}: 15` }] },
					});
				}
				const stored = new Set<string>();
				const again: string[] = [];
				const effects = await deployment.allEffects();
				for (const effect of effects) {
					if (effect.endsWith(' stored')) stored.add(effect.slice(0, -' stored'.length));
					else if (stored.has(effect)) again.push(effect);
				}
				expect(again).toEqual([]);
				const completed = [...stored].filter(
					(effect) => !cancelled.has(effect.split(' ')[0] ?? ''),
				);
				expect(completed).toHaveLength((TASKS - cancelled.size) * STEPS.length);
				// A step may have been under way when its task was cancelled. None starts afterwards.
				expect(cancelled.size).toBeGreaterThan(0);
				for (const [name, count] of cancelled) {
					const after = effects.slice(count).filter((effect) => effect.startsWith(`${name} `));
					const steps = after.filter((effect) => !effect.endsWith(' stored'));
					expect(steps.length, `${name}: ${after.join()}`).toBeLessThanOrEqual(1);
				}
			} finally {
				await deployment.workers.stop();
			}
		},
		280_000,
	);
});
