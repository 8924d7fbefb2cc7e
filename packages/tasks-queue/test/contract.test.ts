import { DurableObjectTaskStore } from '@tmcp-sessions/tasks-durable-object';
import { QueueTaskEngine, QueueTasks, TaskMessages } from '@tmcp-sessions/tasks-queue';
import { testTaskEngine } from '@tmcp-sessions/testkit/tasks';
import { expect, it } from 'vitest';

let handlers = 0;

testTaskEngine(
	'QueueTaskEngine',
	(host, tools) => {
		const store = new DurableObjectTaskStore();
		const name = `engine ${++handlers}`;
		new QueueTasks({ name, tools, store }).connect(host);
		const report = (error: unknown): never => {
			throw error;
		};
		return {
			store,
			engine: new QueueTaskEngine({ store, messages: new TaskMessages(name), report }),
		};
	},
	{ maxRunSeconds: 840, survivesDeploy: true, steps: true },
);

it.each([0, 841, 1.5, '60'])('rejects maxRunSeconds %s', (maxRunSeconds) => {
	// Safe because the options of a JavaScript caller may have any type.
	const options = { tools: {}, maxRunSeconds } as unknown as ConstructorParameters<
		typeof QueueTasks
	>[0];
	expect(() => new QueueTasks(options)).toThrow(
		`maxRunSeconds must be an integer from 1 to 840; got ${maxRunSeconds}`,
	);
});
