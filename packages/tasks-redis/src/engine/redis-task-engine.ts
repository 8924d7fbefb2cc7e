import type { ExtensionHost, JsonObject } from '@tmcp-sessions/http/internal';
import { cancelTask, deliverResponses, endedWithin, hasEnded } from '@tmcp-sessions/tasks/backend';
import type {
	ResolvedTasks,
	TaskDelivery,
	TaskEngine,
	TaskEngineCapabilities,
	TaskRecord,
	TaskStart,
	TaskStarted,
} from '@tmcp-sessions/tasks/backend';
import type { RedisTcpConnection } from '@tmcp-sessions/redis/tcp';

import type { RedisTaskStore } from '../store/redis-task-store.ts';
import { answeredInputs, RunStates } from './run-states.ts';
import { TaskJob } from './task-job.ts';
import { TaskQueue } from './task-queue.ts';

/** What an engine depends on. */
export interface RedisTaskEngineDeps {
	readonly redis: RedisTcpConnection;
	readonly store: RedisTaskStore;
	readonly host: ExtensionHost;
	readonly tasks: ResolvedTasks;
	/** The name of the handler that runs the calls. */
	readonly handler: string;
	/** The calls that this process runs at once. 0: none. */
	readonly concurrency: number;
	/** After which time the call of a process that has crashed continues in another one. */
	readonly stalledMs: number;
}

/** Runs tasks as jobs of BullMQ, in any process that has started a worker for the handler. */
export class RedisTaskEngine implements TaskEngine {
	readonly capabilities: TaskEngineCapabilities = {
		maxRunSeconds: null,
		survivesDeploy: true,
		steps: true,
	};
	readonly #deps: RedisTaskEngineDeps;
	readonly #states: RunStates;
	readonly #queue: TaskQueue;
	readonly #jobs = new Map<string, TaskJob>();
	#hasWorker = false;
	#isReleasing = false;

	constructor(deps: RedisTaskEngineDeps) {
		const { handler, host, redis, store } = deps;
		this.#deps = deps;
		this.#states = new RunStates(store.database);
		const { prefix } = store.database;
		this.#queue = new TaskQueue({
			redis,
			prefix,
			handler,
			report: (error) => host.report(error),
		});
	}

	/** Connects, and runs calls from now on. Idempotent. */
	startWorker(): void {
		const { concurrency, stalledMs } = this.#deps;
		if (this.#hasWorker || concurrency === 0) return;
		this.#hasWorker = true;
		this.#queue.start({
			concurrency,
			lockMs: stalledMs,
			run: (name, wake) => this.#run(name, wake),
			onLost: (name) => this.#jobs.get(name)?.lose(),
		});
	}

	async start({ call, limits, record, waitMs }: TaskStart): Promise<TaskStarted> {
		const { host, store } = this.#deps;
		const { name } = record;
		const limit = await store.create(record, call, limits);
		if (limit) return { limit };
		try {
			await this.#queue.add(name, 1);
		} catch (error) {
			// If this fails too, the task counts as running until it expires.
			await store.delete(name).catch((cause: unknown) => host.report(cause));
			throw error;
		}
		return { record: await endedWithin(waitMs, store, record, (error) => host.report(error)) };
	}

	async deliver(name: string, responses: JsonObject): Promise<TaskDelivery> {
		const { store } = this.#deps;
		const { record: changed, ...delivery } = await deliverResponses(store, name, responses);
		if (!delivery.isKnown || delivery.invalid !== undefined) return delivery;
		// A client that sends its responses again may do so because waking the call has failed before.
		const record = changed ?? (await store.read(name));
		const answered = record && !hasEnded(record) ? answeredInputs(record) : 0;
		const wake = answered > 0 ? await this.#states.wake(name, answered) : undefined;
		if (wake !== undefined) await this.#queue.add(name, wake);
		return delivery;
	}

	async cancel(name: string): Promise<boolean> {
		const { host, store } = this.#deps;
		const { isChanged, isKnown } = await cancelTask(store, name);
		if (isChanged) {
			// The worker of a job that is left finds that its task has ended.
			await this.#removeJob(name).catch((error: unknown) => host.report(error));
		}
		return isKnown;
	}

	/**
	 * Takes no more jobs. Calls that have not ended after a time continue in another process.
	 *
	 * @param graceMs the time.
	 */
	async close(graceMs: number): Promise<void> {
		this.#hasWorker = true; // A request that comes later starts none.
		const release = (): void => {
			this.#isReleasing = true;
			for (const job of this.#jobs.values()) job.release();
		};
		const timer = setTimeout(release, graceMs);
		try {
			// The last commands may have to wait for Redis.
			await this.#queue.close(graceMs + 2 * this.#deps.redis.timeoutMs);
		} finally {
			clearTimeout(timer);
		}
	}

	async #run(name: string, wake: number): Promise<number | undefined> {
		const { host, store, tasks } = this.#deps;
		let job: TaskJob | undefined;
		let latest: TaskRecord | undefined;
		// First, so that a call is not claimed that could not be cancelled.
		const stop = await store.watch(name, (record) => {
			latest = record;
			job?.observe(record);
		});
		if (!stop) return undefined;
		try {
			if (this.#isReleasing) return store.database.now();
			const lease = crypto.randomUUID();
			const claim = await this.#states.claim(name, wake, lease);
			if ('dueMs' in claim) return claim.dueMs;
			if (!claim.claimed) return undefined;
			job = new TaskJob(
				{ host, options: tasks, store, states: this.#states },
				lease,
				claim.claimed,
			);
			this.#jobs.set(name, job);
			if (this.#isReleasing) job.release();
			if (latest) job.observe(latest);
			return await job.run();
		} finally {
			stop();
			if (job && this.#jobs.get(name) === job) this.#jobs.delete(name);
		}
	}

	async #removeJob(name: string): Promise<void> {
		const wake = await this.#states.lastJob(name);
		if (wake !== undefined) await this.#queue.remove(name, wake);
	}
}
