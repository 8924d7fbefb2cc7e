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

import type { RedisTaskStore } from '../store/redis-task-store.ts';
import { answeredInputs, RunStates } from './run-states.ts';
import { TaskJob } from './task-job.ts';

/** The jobs of tasks, each of which runs a call or continues it. */
export interface TaskJobs {
	/** Adds a job. Adding it again has no effect. */
	add(name: string, wake: number): Promise<void>;
	/** Removes a job that does not run. */
	remove(name: string, wake: number): Promise<void>;
}

/** What an engine depends on. */
export interface JobTaskEngineDeps {
	readonly store: RedisTaskStore;
	readonly host: ExtensionHost;
	readonly tasks: ResolvedTasks;
	readonly jobs: TaskJobs;
	readonly maxRunSeconds: number | null;
}

/** Runs tasks as jobs of a queue, over the store in Redis. */
export class JobTaskEngine implements TaskEngine {
	readonly capabilities: TaskEngineCapabilities;
	readonly #deps: JobTaskEngineDeps;
	readonly #states: RunStates;
	readonly #running = new Map<string, TaskJob>();
	#isReleasing = false;

	constructor(deps: JobTaskEngineDeps) {
		this.#deps = deps;
		this.#states = new RunStates(deps.store.database);
		const { maxRunSeconds } = deps;
		this.capabilities = { maxRunSeconds, survivesDeploy: true, steps: true };
	}

	async start({ call, limits, record, waitMs }: TaskStart): Promise<TaskStarted> {
		const { host, jobs, store } = this.#deps;
		const { name } = record;
		const limit = await store.create(record, call, limits);
		if (limit) return { limit };
		try {
			await jobs.add(name, 1);
		} catch (error) {
			// If this fails too, the task counts as running until it expires.
			await store.delete(name).catch((cause: unknown) => host.report(cause));
			throw error;
		}
		return { record: await endedWithin(waitMs, store, record, (error) => host.report(error)) };
	}

	async deliver(name: string, responses: JsonObject): Promise<TaskDelivery> {
		const { jobs, store } = this.#deps;
		const { record: changed, ...delivery } = await deliverResponses(store, name, responses);
		if (!delivery.isKnown || delivery.invalid !== undefined) return delivery;
		// A client that sends its responses again may do so because waking the call has failed before.
		const record = changed ?? (await store.read(name));
		const answered = record && !hasEnded(record) ? answeredInputs(record) : 0;
		const wake = answered > 0 ? await this.#states.wake(name, answered) : undefined;
		if (wake !== undefined) await jobs.add(name, wake);
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

	/** Stops all calls, so that other processes continue them. */
	releaseAll(): void {
		this.#isReleasing = true;
		for (const job of this.#running.values()) job.release();
	}

	/** Stops the call of a task whose job another process may have taken over. */
	lose(name: string): void {
		this.#running.get(name)?.lose();
	}

	/** Stops the call of a task at its time limit. */
	interrupt(name: string): void {
		this.#running.get(name)?.interrupt();
	}

	/** Returns the number of the last job of a task; `undefined` if the task is unknown. */
	lastJob(name: string): Promise<number | undefined> {
		return this.#states.lastJob(name);
	}

	/**
	 * Runs a job.
	 *
	 * @returns when it runs again; `undefined` if it is done.
	 */
	async runJob(name: string, wake: number): Promise<number | undefined> {
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
			this.#running.set(name, job);
			if (this.#isReleasing) job.release();
			if (latest) job.observe(latest);
			return await job.run();
		} finally {
			stop();
			if (job && this.#running.get(name) === job) this.#running.delete(name);
		}
	}

	async #removeJob(name: string): Promise<void> {
		const wake = await this.#states.lastJob(name);
		if (wake !== undefined) await this.#deps.jobs.remove(name, wake);
	}
}
