import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { WorkersOptions } from '@tmcp-sessions/testkit/workerd';
import { startRedisProcesses } from './redis-processes.ts';

/** The same server twice: a Worker in two isolates with the same bindings, or two processes. */
export interface ConformanceServers {
	url(name: 'a' | 'b'): URL;
	stop(): Promise<void>;
}

/** What a deployment runs. */
interface DeploymentSettings {
	/** The main module in `src/`. The deployment over Redis has none: it runs on Node.js. */
	readonly main?: string;
	readonly durableObjects: Readonly<Record<string, string>>;
	readonly workflows?: Readonly<Record<string, string>>;
	readonly queues?: Readonly<Record<string, string>>;
	/** Runs on this number of isolates only. */
	readonly isolates?: number;
	/** Runs these scenarios of the newest suite only. */
	readonly scenarios?: readonly string[];
	/** Runs only if it is chosen: it is there to compare with. */
	readonly isOptional?: boolean;
}

/** The scenarios of the tasks extension. */
const TASKS = [
	'tasks-lifecycle',
	'tasks-capability-negotiation',
	'tasks-wire-fields',
	'tasks-request-state-removal',
	'tasks-mrtr-input',
	'tasks-request-headers',
	'tasks-dispatch-and-envelope',
	'tasks-required-task-error',
	'tasks-mrtr-composition',
];

/** The name of a deployment. */
export type Deployment =
	| 'managers'
	| 'redis'
	| 'sdk'
	| 'sdk-alone'
	| 'session-object'
	| 'tasks-in-memory'
	| 'tasks-queue'
	| 'tasks-workflows';

/**
 * The deployments: tmcp's server with managers, in a session object and over Redis, its tasks alone on
 * other engines, and a server of the official SDK, also behind the SDK's own handler.
 */
export const deployments: Readonly<Record<Deployment, DeploymentSettings>> = {
	managers: {
		main: 'index.ts',
		durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', TMCP_TASK_OBJECT: 'TaskObject' },
	},
	'session-object': {
		main: 'session-object.ts',
		durableObjects: { CONFORMANCE: 'ConformanceSession', TMCP_TASK_OBJECT: 'TaskObject' },
	},
	sdk: {
		main: 'sdk/index.ts',
		durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', TMCP_TASK_OBJECT: 'TaskObject' },
		isolates: 2,
	},
	'sdk-alone': { main: 'sdk/alone.ts', durableObjects: {}, isolates: 1, isOptional: true },
	redis: { durableObjects: {} },
	'tasks-in-memory': {
		main: 'tasks-in-memory.ts',
		durableObjects: {},
		isolates: 1,
		scenarios: TASKS,
	},
	'tasks-queue': {
		main: 'tasks-queue.ts',
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
		queues: { TMCP_TASK_QUEUE: 'tmcp-tasks' },
		scenarios: TASKS,
	},
	'tasks-workflows': {
		main: 'tasks-workflows.ts',
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
		workflows: { TMCP_TASK_WORKFLOW: 'TaskWorkflow' },
		scenarios: TASKS,
	},
};

/** Starts a deployment in two isolates or processes. */
export function startConformanceServers(
	deployment: Deployment,
	options: Pick<WorkersOptions, 'onLog'> = {},
): Promise<ConformanceServers> {
	const { durableObjects, main, queues = {}, workflows } = deployments[deployment];
	if (main === undefined) return startRedisProcesses(options.onLog ?? console.error);
	return startWorkers({
		...options,
		durableObjects,
		...(workflows && { workflows }),
		queues,
		queueConsumers: Object.values(queues).map((name) => ({
			name,
			maxBatchSize: 1,
			maxBatchTimeout: 0,
		})),
		entry: fileURLToPath(new URL(`../src/${main}`, import.meta.url)),
		workers: ['a', 'b'],
	});
}
