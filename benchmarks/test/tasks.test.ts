import { expect, test } from 'vitest';
import { countTasks } from '../src/operations/count-tasks.ts';
import type { TaskOperations } from '../src/operations/count-tasks.ts';
import { readResult } from '../src/reports/results.ts';

test('the operations of tasks are those in results/; if not, run npm run operations -- --write', async () => {
	const stored = readResult<TaskOperations>('tasks');
	const counted = await countTasks([10, 100]);
	expect(counted).toEqual({ ...stored, growth: stored.growth.slice(0, 2) });
}, 120_000);

test('the operations of a task do not depend on how many are in flight, and a poll stores nothing', () => {
	const { growth, kinds } = readResult<TaskOperations>('tasks');
	expect(growth.map(({ tasks }) => tasks)).toEqual([10, 100, 1_000, 10_000]);
	const [{ bytes, poll, start, tasks } = expect.fail()] = growth;
	for (const each of growth) {
		expect(each).toEqual({ tasks: each.tasks, start, poll, bytes: (bytes / tasks) * each.tasks });
	}
	expect(kinds.polled).toEqual({ objectCalls: 1 });
});
