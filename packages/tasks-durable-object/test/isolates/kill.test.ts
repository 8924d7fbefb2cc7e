import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { describe, expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

const TASKS = 200;
const USERS = 10;
const STEPS = [1, 2, 3, 4, 5];

describe('200 tasks with five steps, while objects are reset and the runtime is restarted', () => {
	it.each(workerdVersions)(
		'all complete on workerd %s, and run no stored step again',
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
				while (ids.length < TASKS) {
					const batch = Array.from({ length: USERS }, (_, offset) => ids.length + offset);
					ids.push(
						...(await Promise.all(
							batch.map((index) => clientOf(index).start('five_steps', { id: `k${index}` })),
						)),
					);
					// Some are reset in the middle of their steps.
					for (const id of ids.slice(-3)) await deployment.reset(id);
				}
				await deployment.workers.restart();
				await Promise.all(ids.slice(0, 30).map((id) => deployment.reset(id)));
				await deployment.workers.restart();
				for (const [index, id] of ids.entries()) {
					const task = await clientOf(index).ended(id);
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
				expect(stored.size).toBe(TASKS * STEPS.length);
			} finally {
				await deployment.workers.stop();
			}
		},
		280_000,
	);
});
