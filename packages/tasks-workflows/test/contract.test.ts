import { DurableObjectTaskStore } from '@tmcp-sessions/tasks-durable-object';
import type { TaskRecord } from '@tmcp-sessions/tasks/backend';
import { WorkflowTaskEngine, WorkflowTasks } from '@tmcp-sessions/tasks-workflows';
import { testTaskEngine } from '@tmcp-sessions/testkit/tasks';
import { expect, it } from 'vitest';

let handlers = 0;

testTaskEngine(
	'WorkflowTaskEngine',
	(host, tools) => {
		const store = new DurableObjectTaskStore();
		const handler = `engine ${++handlers}`;
		new WorkflowTasks({ name: handler, tools, store }).connect(host);
		const report = (error: unknown): never => {
			throw error;
		};
		return { store, engine: new WorkflowTaskEngine({ store, handler, report }) };
	},
	{ maxRunSeconds: null, survivesDeploy: true, steps: true },
);

it('fails a task whose instance has failed, at the next poll', async () => {
	const store = new DurableObjectTaskStore();
	const engine = new WorkflowTaskEngine({ store, handler: 'of another script', report: () => {} });
	const nowMs = Date.now();
	const record: TaskRecord = {
		name: store.newName(),
		revision: 0,
		principal: '',
		tool: 'report',
		status: 'working',
		attempts: 0,
		createdAtMs: nowMs,
		updatedAtMs: nowMs,
		expiresAtMs: nowMs + 60_000,
		pollIntervalMs: 1_000,
		inputs: [],
	};
	await engine.start({ record, call: { session: {} }, waitMs: 0 });
	expect(await engine.check(record)).toBe(record);
	// The instance of a task without a change for a minute is looked at.
	const check = (): Promise<TaskRecord> =>
		new WorkflowTaskEngine({ store, handler: '', report: () => {} }).check({
			...record,
			updatedAtMs: nowMs - 61_000,
		});
	const status = async (): Promise<string> => (await check()).status;
	await expect.poll(status).toBe('failed');
	const { statusMessage } = await check();
	expect(statusMessage).toMatch(/^report cannot go on: its Workflow instance has failed: /);
	expect(statusMessage).toContain(
		'the script that exports TaskWorkflow needs a handler with tasks named "of another script"',
	);
});
