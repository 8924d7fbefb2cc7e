import type { JsonObject } from '@tmcp-sessions/http/internal';

import { cancelTask } from '../task/cancel-task.ts';
import { deliverResponses } from '../task/deliver-responses.ts';
import { endedWithin } from '../task/ended-within.ts';
import type {
	TaskDelivery,
	TaskEngine,
	TaskEngineCapabilities,
	TaskStart,
	TaskStarted,
} from '../task/task-engine.ts';
import { hasEnded } from '../task/task-record.ts';
import type { TaskRecord } from '../task/task-record.ts';
import type { TaskStore } from '../task/task-store.ts';
import { failTask } from './restart.ts';

/** How long a task may show no change before its run is looked at, and how often. */
const CHECK_MS = 60_000;
const MAX_CHECKED = 10_000;

/** Has the calls of stored tasks run elsewhere, with `StoredRun`. */
export interface TaskRunner {
	/** Has the call of a new task start. */
	start(record: TaskRecord): Promise<void>;
	/** Wakes a call that may wait for responses of the client. Returns why it cannot go on, if it cannot. */
	wake(record: TaskRecord): Promise<string | undefined>;
	/** Ends a cancelled call that has left memory. A call in memory observes its task, and stops. */
	cancel?(name: string): Promise<void>;
	/** Returns why the call of a task cannot go on; `undefined` if it can, or has ended. */
	problem?(name: string): Promise<string | undefined>;
}

/** What an engine depends on. */
export interface StoredTaskEngineDeps {
	readonly store: TaskStore;
	readonly runner: TaskRunner;
	readonly capabilities: TaskEngineCapabilities;
	readonly report: (error: unknown) => void;
}

/** Runs tasks whose state is in their store alone, by any means that can have a call start. */
export class StoredTaskEngine implements TaskEngine {
	readonly capabilities: TaskEngineCapabilities;
	readonly #deps: StoredTaskEngineDeps;
	readonly #checkedMs = new Map<string, number>();

	constructor(deps: StoredTaskEngineDeps) {
		this.#deps = deps;
		this.capabilities = deps.capabilities;
	}

	async start({ call, limits, record, waitMs }: TaskStart): Promise<TaskStarted> {
		const { report, runner, store } = this.#deps;
		const limit = await store.create(record, call, limits);
		if (limit) return { limit };
		try {
			await runner.start(record);
		} catch (error) {
			// If this fails too, the task counts as running until it expires.
			await store.delete(record.name).catch(report);
			throw error;
		}
		return { record: await endedWithin(waitMs, store, record, report) };
	}

	async deliver(name: string, responses: JsonObject): Promise<TaskDelivery> {
		const { runner, store } = this.#deps;
		const { record: changed, ...delivery } = await deliverResponses(store, name, responses);
		if (!delivery.isKnown || delivery.invalid !== undefined) return delivery;
		// A client that sends its responses again may do so because waking the call has failed before.
		const record = changed ?? (await store.read(name));
		if (record && !hasEnded(record)) await this.#failIf(record, await runner.wake(record));
		return delivery;
	}

	async cancel(name: string): Promise<boolean> {
		const { report, runner, store } = this.#deps;
		const { isChanged, isKnown } = await cancelTask(store, name);
		if (isChanged) await runner.cancel?.(name).catch(report);
		return isKnown;
	}

	async check(record: TaskRecord): Promise<TaskRecord> {
		const { name, updatedAtMs } = record;
		const nowMs = Date.now();
		const lastMs = Math.max(updatedAtMs, this.#checkedMs.get(name) ?? 0);
		if (nowMs - lastMs < CHECK_MS) return record;
		if (this.#checkedMs.size >= MAX_CHECKED) this.#checkedMs.clear();
		this.#checkedMs.set(name, nowMs);
		return this.#failIf(record, await this.#deps.runner.problem?.(name));
	}

	/** Fails a task whose call cannot go on. */
	async #failIf(record: TaskRecord, problem: string | undefined): Promise<TaskRecord> {
		if (problem === undefined) return record;
		const { store } = this.#deps;
		const { name, tool } = record;
		await failTask(store, name, `${tool} cannot go on: ${problem}. Call it again`);
		return (await store.read(name)) ?? record;
	}
}
