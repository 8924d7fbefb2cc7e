import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { describe, expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

const LANES = 10;
const TASKS_OF_LANE = 100;
/** The limit of tasks that a principal may run at once is twice this. */
const BATCH = 10;

describe('tasks/get on isolate B', () => {
	it.each(workerdVersions)(
		'finds the task the moment isolate A has answered, 1,000 of 1,000 on workerd %s',
		async (version) => {
			const deployment = await Deployment.start(version);
			try {
				const lanes = Array.from({ length: LANES }, async (_, lane) => {
					const user = `user ${lane}`;
					const [a, b] = [deployment.client('a', user), deployment.client('b', user)];
					let found = 0;
					for (let index = 1; index <= TASKS_OF_LANE; index++) {
						const taskId = await a.start('quick');
						if ((await b.get(taskId)).result['taskId'] === taskId) found += 1;
						if (index % BATCH > 0) continue;
						expect(await b.ended(taskId)).toMatchObject({
							status: 'completed',
							result: { content: [{ text: 'done' }] },
						});
					}
					return found;
				});
				const found = await Promise.all(lanes);
				expect(found).toEqual(Array.from({ length: LANES }, () => TASKS_OF_LANE));
			} finally {
				await deployment.workers.stop();
			}
		},
		120_000,
	);
});
