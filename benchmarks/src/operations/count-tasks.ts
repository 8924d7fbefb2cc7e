import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TaskEngineCapabilities } from '@tmcp-sessions/tasks/backend';
import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';
import { workersFolder } from '../runtime.ts';
import { countingPlugin } from './counted-contender.ts';
import type { Operation, OperationCounts } from './counts.ts';

/** The operations of tasks in Durable Objects. */
export interface TaskOperations {
	/** The operations of each kind of event of a task. */
	readonly kinds: Readonly<Record<TaskKind, OperationCounts>>;
	/** The operations of a call and of a poll beside numbers of tasks in flight, and what those store. */
	readonly growth: readonly TaskGrowth[];
	/** A task of five steps on each engine over Durable Objects. */
	readonly engines: Readonly<Record<EngineName, EngineOperations>>;
}

/** An engine whose tasks are in Durable Objects. */
type EngineName = 'durable-object' | 'queue' | 'workflows';

/** What an engine guarantees, and the operations of a task of five steps. */
export interface EngineOperations {
	readonly capabilities: TaskEngineCapabilities;
	/** From the call to the result. */
	readonly steps: OperationCounts;
	readonly poll: OperationCounts;
	readonly expiry: OperationCounts;
}

/** What a number of sleeping tasks costs. */
interface TaskGrowth {
	/** The number of tasks in flight. */
	readonly tasks: number;
	readonly start: OperationCounts;
	readonly poll: OperationCounts;
	/** The size of their databases. */
	readonly bytes: number;
}

/** An event of a task. */
export type TaskKind = 'ended' | 'expired' | 'listed' | 'polled' | 'question' | 'status' | 'steps';

/** A run of a tool takes less. */
const SETTLING_MS = 500;
/** An instance of a Workflow and a message of a queue take longer. */
const ENGINE_SETTLING_MS = 1_500;
/** The TTL of `brief`, and its alarm. */
const EXPIRY_MS = 2_000;
const IN_PARALLEL = 50;
/** The numbers of tasks in flight that the tables show. */
export const TASKS_IN_FLIGHT: readonly number[] = [10, 100, 1_000, 10_000];
const UNCOUNTED = { 'x-uncounted': 'yes' };

/** Counts the operations of each kind of event of a task, and of calls beside others in flight. */
export async function countTasks(inFlight: readonly number[]): Promise<TaskOperations> {
	const workers = await startEngine('durable-object');
	try {
		const tasks = new CountedTasks(workers);
		const kinds = await countKinds(tasks);
		const before = await tasks.databaseBytes();
		const growth: TaskGrowth[] = [];
		let started = 0;
		for (const target of inFlight) {
			await tasks.startMany(target - started - 1);
			started = target;
			const { counts: start, taskId } = await tasks.startOne('sleep');
			const poll = await tasks.counted(() => tasks.client.get(taskId));
			const bytes = (await tasks.databaseBytes()) - before;
			growth.push({ tasks: target, start, poll, bytes });
		}
		const engines = {
			'durable-object': await countEngine(workers),
			queue: await countAlone('queue'),
			workflows: await countAlone('workflows'),
		};
		return { kinds, growth, engines };
	} finally {
		await workers.stop();
	}
}

/** The Worker of each engine, and its bindings besides the objects of tasks. */
const WORKERS: Readonly<
	Record<
		EngineName,
		Pick<WorkersOptions, 'queueConsumers' | 'queues' | 'workflows'> & { file: string }
	>
> = {
	'durable-object': { file: 'tasks.ts' },
	queue: {
		file: 'tasks-queue.ts',
		queues: { TMCP_TASK_QUEUE: 'tmcp-tasks' },
		queueConsumers: [{ name: 'tmcp-tasks', maxBatchSize: 1, maxBatchTimeout: 0 }],
	},
	workflows: { file: 'tasks-workflows.ts', workflows: { TMCP_TASK_WORKFLOW: 'TaskWorkflow' } },
};

function startEngine(name: EngineName): Promise<Workers<'a'>> {
	const { file, ...bindings } = WORKERS[name];
	return startWorkers({
		...bindings,
		entry: join(workersFolder, file),
		workers: ['a'],
		kvNamespaces: [],
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
		plugins: [countingPlugin],
	});
}

/** Starts a Worker for one engine, and counts its tasks. */
async function countAlone(name: EngineName): Promise<EngineOperations> {
	const workers = await startEngine(name);
	try {
		return await countEngine(workers);
	} finally {
		await workers.stop();
	}
}

async function countEngine(workers: Workers<'a'>): Promise<EngineOperations> {
	const tasks = new CountedTasks(workers);
	// The first call checks names and bindings.
	await tasks.startOne('plain', ENGINE_SETTLING_MS);
	const { counts: ended } = await tasks.startOne('plain', ENGINE_SETTLING_MS);
	const { counts: steps, taskId } = await tasks.startOne('steps', ENGINE_SETTLING_MS);
	const { counts: brief } = await tasks.startOne('brief', EXPIRY_MS);
	const response = await fetch(new URL('/capabilities', workers.url('a')));
	return {
		capabilities: await response.json<TaskEngineCapabilities>(),
		steps,
		poll: await tasks.counted(() => tasks.client.get(taskId)),
		expiry: difference(brief, ended),
	};
}

async function countKinds(tasks: CountedTasks): Promise<TaskOperations['kinds']> {
	const whole = async (tool: string, settlingMs?: number): Promise<OperationCounts> =>
		(await tasks.startOne(tool, settlingMs)).counts;
	// The first calls check names and bindings, and create the list of the principal.
	await whole('plain');
	await tasks.owner.start('plain');
	await delay(SETTLING_MS);
	const { counts: ended, taskId } = await tasks.startOne('plain');
	const question = await tasks.counted(async () => {
		const asking = await tasks.client.start('ask');
		await delay(SETTLING_MS);
		await tasks.client.update(asking, {
			'input-1': { action: 'accept', content: { approve: true } },
		});
	});
	const brief = await whole('brief', EXPIRY_MS);
	const listed = await tasks.counted(() => tasks.owner.start('brief'), EXPIRY_MS);
	return {
		ended,
		steps: difference(await whole('steps'), ended),
		status: difference(await whole('status'), ended),
		question: difference(question, ended),
		polled: await tasks.counted(() => tasks.client.get(taskId)),
		expired: difference(brief, ended),
		listed: difference(listed, brief),
	};
}

class CountedTasks {
	/** A client without principal. */
	readonly client: TaskClient;
	/** A client whose tasks belong to a principal. */
	readonly owner: TaskClient;
	readonly #uncounted: TaskClient;
	readonly #workers: Workers<'a'>;

	constructor(workers: Workers<'a'>) {
		const url = (): URL => workers.url('a');
		this.client = new TaskClient(url);
		this.owner = new TaskClient(url, undefined, { 'x-user': 'owner' });
		this.#uncounted = new TaskClient(url, undefined, UNCOUNTED);
		this.#workers = workers;
	}

	/** Counts what a function does, and what happens shortly after. */
	async counted(run: () => Promise<unknown>, settlingMs = SETTLING_MS): Promise<OperationCounts> {
		await this.#read('/operations');
		await run();
		await delay(settlingMs);
		return (await this.#read('/operations')) as OperationCounts;
	}

	/** Counts a task from its call on. */
	async startOne(
		tool: string,
		settlingMs?: number,
	): Promise<{ readonly counts: OperationCounts; readonly taskId: string }> {
		let taskId = '';
		const counts = await this.counted(async () => {
			taskId = await this.client.start(tool);
		}, settlingMs);
		return { counts, taskId };
	}

	/** Starts sleeping tasks, and waits until they sleep. */
	async startMany(count: number): Promise<void> {
		let left = count;
		const startEach = async (): Promise<void> => {
			while (left > 0) {
				left -= 1;
				await this.#uncounted.start('sleep');
			}
		};
		await Promise.all(Array.from({ length: IN_PARALLEL }, startEach));
		await delay(SETTLING_MS);
	}

	async databaseBytes(): Promise<number> {
		return Number(await this.#read('/database-bytes'));
	}

	async #read(path: string): Promise<unknown> {
		const response = await fetch(new URL(path, this.#workers.url('a')));
		return response.json();
	}
}

function difference(counts: OperationCounts, base: OperationCounts): OperationCounts {
	// Safe because the keys are those of the counts.
	const entries = Object.entries(counts) as [Operation, number][];
	return Object.fromEntries(
		entries
			.map(([operation, count]) => [operation, count - (base[operation] ?? 0)] as const)
			.filter(([, count]) => count !== 0),
	);
}
