import { InMemoryTaskStore, InProcessEngine } from '@tmcp-sessions/tasks/backend';
import type { TaskEngineCapabilities } from '@tmcp-sessions/tasks/backend';

import type { EngineOperations, TaskOperations } from '../operations/count-tasks.ts';
import { addCounts, describeCounts, times } from '../operations/counts.ts';
import type { OperationCounts } from '../operations/counts.ts';
import { table } from './markdown.ts';
import { dollarsPerMillion, formatDollars } from './prices.ts';

const POLLS = 60;
const STEPS = 5;
const HEAD = 'engine | longest run | survives a deployment | steps | a task | a million of them';
/** As its contract suite asserts: an engine over Redis needs a connection to be created. */
const REDIS: TaskEngineCapabilities = { maxRunSeconds: null, survivesDeploy: true, steps: true };

/** Compares the engines: a task of five minutes with five steps, polled every five seconds. */
export function engineTable(
	{ engines }: TaskOperations,
	redis: Readonly<Record<string, OperationCounts>>,
): string {
	const whole = ({ expiry, poll, steps }: EngineOperations): OperationCounts =>
		addCounts(steps, times(POLLS, poll), expiry);
	const onRedis = addCounts(
		redis['task, with BullMQ: from start to result'] ?? {},
		times(STEPS, redis['task, store alone: store a step'] ?? {}),
		times(POLLS, redis['task, store alone: read'] ?? {}),
	);
	const inProcess = new InProcessEngine(new InMemoryTaskStore(), () => {
		throw new Error('no run is started');
	});
	const { 'durable-object': objects, queue, workflows } = engines;
	return table(HEAD, [
		row('`DurableObjectTasks`', objects.capabilities, whole(objects)),
		row('`WorkflowTasks`', workflows.capabilities, whole(workflows)),
		row('`QueueTasks`', queue.capabilities, whole(queue)),
		row('`RedisTasks`', REDIS, onRedis, 'that of the server'),
		['`QStashTasks`', 'that of the function', 'yes', 'stored', 'not counted', 'not counted'],
		row('`InMemoryTasks`', inProcess.capabilities, {}),
	]);
}

function row(
	name: string,
	{ maxRunSeconds, steps, survivesDeploy }: TaskEngineCapabilities,
	counts: OperationCounts,
	price: string = formatDollars(dollarsPerMillion(counts)),
): string[] {
	const minutes = (maxRunSeconds ?? 0) / 60;
	return [
		name,
		maxRunSeconds === null ? 'no limit' : `${minutes} minutes`,
		survivesDeploy ? 'yes' : 'no',
		steps ? 'stored' : 'run each time',
		describeCounts(counts) || 'none',
		price,
	];
}
