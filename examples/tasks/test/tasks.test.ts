import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkReports } from '../client/check.ts';

let workers: Workers<'a' | 'b'>;

beforeAll(async () => {
	workers = await startWorkers({
		entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
		workers: ['a', 'b'],
		kvNamespaces: [],
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
	});
});
afterAll(() => workers.stop());

it('generates a report over a restart, called on A, and polled and answered on B', async () => {
	const checks = await checkReports(() => workers.url('a'), {
		pollUrl: () => workers.url('b'),
		whileWorking: async () => {
			await new Promise((resolve) => setTimeout(resolve, 1_500));
			await workers.restart();
		},
	});
	expect(checks.filter(({ holds }) => !holds)).toEqual([]);
	expect(checks).toHaveLength(6);
}, 60_000);
