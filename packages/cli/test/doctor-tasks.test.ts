import { describe, expect, it } from 'vitest';

import { run } from './terminal.ts';
import { workerFiles, WorkerProject } from './worker-project.ts';

const CONFIG = 'wrangler.jsonc';
const ENTRY = 'src/index.ts';
const WORKFLOW =
	'"workflows": [{ "name": "tmcp-tasks", "binding": "TMCP_TASK_WORKFLOW", "class_name": "TaskWorkflow" }],';
const EXPORT = "export { TaskWorkflow } from '@tmcp-sessions/tasks-workflows';";
const CONSUMER = '{ "queue": "tmcp-tasks", "dead_letter_queue": "tmcp-tasks-dead" }';
const DEAD = ', { "queue": "tmcp-tasks-dead" }';
const PRODUCER = '{ "binding": "TMCP_TASK_QUEUE", "queue": "tmcp-tasks" }';
const QUEUES = `"queues": {\n"producers": [${PRODUCER}],\n"consumers": [${CONSUMER}${DEAD}],\n},`;
const TASK_OBJECT = '{ "name": "TMCP_TASK_OBJECT", "class_name": "TaskObject" }';

/** Creates a correct project with tasks on Workflows, or on a queue. */
function createProject(engine: 'WorkflowTasks' | 'QueueTasks'): WorkerProject {
	const project = new WorkerProject(workerFiles);
	const isQueue = engine === 'QueueTasks';
	const packageName = isQueue ? '@tmcp-sessions/tasks-queue' : '@tmcp-sessions/tasks-workflows';
	const imports = [
		`import { ${engine} } from '${packageName}';`,
		"export { TaskObject } from '@tmcp-sessions/tasks-durable-object';",
		...(isQueue ? [] : [EXPORT]),
		`const tasks = new ${engine}({ tools: {} });`,
	];
	project.replace(ENTRY, 'const server', `${imports.join('\n')}\nconst server`);
	project.replace(ENTRY, '	info:', '	tasks,\n	info:');
	if (isQueue) {
		project.replace(ENTRY, 'export default createMcpHandler', 'const { fetch } = createMcpHandler');
		project.write(ENTRY, `${project.read(ENTRY)}export default { fetch, queue: tasks.queue };\n`);
	}
	project.replace(
		CONFIG,
		'"class_name": "SyncLayer" }]',
		`"class_name": "SyncLayer" }, ${TASK_OBJECT}]`,
	);
	project.replace(CONFIG, '["SyncLayer"]', '["SyncLayer", "TaskObject"]');
	project.replace(CONFIG, '"secrets"', `${isQueue ? QUEUES : WORKFLOW}\n"secrets"`);
	project.replace(
		'package.json',
		'"dependencies":{',
		`"dependencies":{"${packageName}":"*","@tmcp-sessions/tasks-durable-object":"*",`,
	);
	return project;
}

describe.each(['WorkflowTasks', 'QueueTasks'] as const)('doctor, on a Worker with %s', (engine) => {
	it('reports nothing if it is correct', async () => {
		using project = createProject(engine);
		expect((await run(['doctor', project.folder])).stdout).toBe('No problems found\n');
	});

	it('needs the objects that store the tasks, unless the store is another one', async () => {
		using project = createProject(engine);
		project.replace(CONFIG, `, ${TASK_OBJECT}`, '');
		project.replace(CONFIG, ', "TaskObject"', '');
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toContain(`${engine} (src/index.ts:`);
		expect(stdout).toContain('needs the binding TMCP_TASK_OBJECT');
		project.replace(ENTRY, '{ tools: {} }', '{ tools: {}, store: myStore }');
		expect((await run(['doctor', project.folder])).stdout).toBe('No problems found\n');
	});
});

describe('doctor, on tasks on Workflows', () => {
	it.each([
		[
			'no Workflow',
			CONFIG,
			WORKFLOW,
			'',
			'needs the binding TMCP_TASK_WORKFLOW: it must be a Workflow; found none',
		],
		[
			'no export of the class',
			ENTRY,
			EXPORT,
			'',
			'wrangler.jsonc:13 src/index.ts does not export the class TaskWorkflow',
		],
	])('reports %s, which --fix adds', async (_, path, text, other, message) => {
		using project = createProject('WorkflowTasks');
		project.replace(path, text, other);
		expect((await run(['doctor', project.folder])).stdout).toContain(message);
		const { stdout } = await run(['doctor', project.folder, '--fix']);
		expect(stdout).toMatch(/No problems found\n$/);
	});

	it('reports a Workflow of another name, and leaves it', async () => {
		using project = createProject('WorkflowTasks');
		project.replace(CONFIG, '"TMCP_TASK_WORKFLOW"', '"TASKS"');
		const { stdout } = await run(['doctor', project.folder, '--fix']);
		expect(stdout).toContain(
			'needs the binding TMCP_TASK_WORKFLOW: it must be a Workflow; found TASKS',
		);
		expect(project.read(CONFIG)).toContain('"TASKS"');
	});

	it('reports a queue in place of the Workflow', async () => {
		using project = createProject('WorkflowTasks');
		project.replace(
			CONFIG,
			WORKFLOW,
			`"queues": { "producers": [${PRODUCER.replace('QUEUE', 'WORKFLOW')}] },`,
		);
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toContain('it must be a Workflow; found a queue');
	});
});

describe('doctor, on tasks on a queue', () => {
	it.each([
		[
			'no producer',
			PRODUCER,
			'',
			'needs the binding TMCP_TASK_QUEUE: it must be a queue; found none',
		],
		[
			'no consumer',
			`${CONSUMER}${DEAD}`,
			'',
			'wrangler.jsonc:15 the Worker is not the consumer of the queue tmcp-tasks',
		],
		[
			'no queue for failed messages',
			', "dead_letter_queue": "tmcp-tasks-dead"',
			'',
			'failed messages of tmcp-tasks must go to tmcp-tasks-dead, or their tasks never end; found none',
		],
		[
			'another queue for failed messages',
			'"dead_letter_queue": "tmcp-tasks-dead"',
			'"dead_letter_queue": "dead"',
			'must go to tmcp-tasks-dead, or their tasks never end; found dead',
		],
		[
			'no consumer of failed messages',
			DEAD,
			'',
			'the Worker is not the consumer of the queue tmcp-tasks-dead',
		],
	])('reports %s', async (_, text, other, message) => {
		using project = createProject('QueueTasks');
		project.replace(CONFIG, text, other);
		expect((await run(['doctor', project.folder])).stdout).toContain(message);
	});

	it('reports a default export without queue', async () => {
		using project = createProject('QueueTasks');
		project.replace(ENTRY, '{ fetch, queue: tasks.queue }', '{ fetch }');
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toContain('the default export has no queue: the Worker receives no messages');
	});

	it('knows the names that the code sets', async () => {
		using project = createProject('QueueTasks');
		project.replace(ENTRY, '{ tools: {} }', "{ tools: {}, deadLetterQueue: 'dead' }");
		expect((await run(['doctor', project.folder])).stdout).toContain('must go to dead');
		project.write(CONFIG, project.read(CONFIG).replaceAll('tmcp-tasks-dead', 'dead'));
		expect((await run(['doctor', project.folder])).stdout).toBe('No problems found\n');
	});

	it('reports a handler in fetch as an error', async () => {
		using project = createProject('QueueTasks');
		project.replace(
			ENTRY,
			'const { fetch } = createMcpHandler(server, {',
			'const create = () => createMcpHandler(server, {',
		);
		project.replace(ENTRY, '{ fetch, queue', '{ fetch: (r: Request) => create().fetch(r), queue');
		const { exitCode, stdout } = await run(['doctor', project.folder]);
		expect(stdout).toContain('running tasks do not find their handler');
		expect(exitCode).toBe(1);
	});
});
