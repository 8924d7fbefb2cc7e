import { keepRequestAlive, sleep } from '@tmcp-sessions/core/backend';
import type { ExtensionHost, JsonObject } from '@tmcp-sessions/http/internal';

import type { TaskRun, TaskRunDeps } from '../run/task-run.ts';
import { cancelTask } from '../task/cancel-task.ts';
import { deliverResponses } from '../task/deliver-responses.ts';
import type {
	TaskDelivery,
	TaskEngine,
	TaskEngineCapabilities,
	TaskStart,
	TaskStarted,
} from '../task/task-engine.ts';
import type { TaskStore } from '../task/task-store.ts';

/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** workerd ends a request as hung if it waits for another request without a timer. */
const ALIVE_MS = 10_000;

/** Creates the run of a task from what its engine has. */
export type CreateRun = (
	host: ExtensionHost,
	deps: Omit<TaskRunDeps, 'createCustom' | 'host'>,
) => TaskRun;

/**
 * Runs tasks in the process that created them. They end with it, and cannot be resumed. On Workers a
 * task ends 30 seconds after the response to its call.
 */
export class InProcessEngine implements TaskEngine {
	readonly capabilities: TaskEngineCapabilities = {
		maxRunSeconds: null,
		survivesDeploy: false,
		steps: false,
	};
	readonly #store: TaskStore;
	readonly #createRun: (deps: Omit<TaskRunDeps, 'createCustom' | 'host'>) => TaskRun;
	readonly #now: () => number;
	readonly #runs = new Map<string, TaskRun>();

	constructor(
		store: TaskStore,
		createRun: (deps: Omit<TaskRunDeps, 'createCustom' | 'host'>) => TaskRun,
		now: () => number = Date.now,
	) {
		this.#store = store;
		this.#createRun = createRun;
		this.#now = now;
	}

	async start({ record, call, limits, waitMs }: TaskStart): Promise<TaskStarted> {
		const { name } = record;
		const started = { ...record, attempts: 1 };
		const limit = await this.#store.create(started, call, limits);
		if (limit) return { limit };
		const run = this.#createRun({
			store: this.#store,
			record: started,
			call,
			steps: [],
			platform: undefined,
			sleepUntil: (untilMs, signal) => this.#sleepUntil(untilMs, signal),
			now: this.#now,
		});
		this.#runs.set(name, run);
		const alive = setInterval(() => {}, ALIVE_MS);
		const ended = run.run().finally(() => {
			clearInterval(alive);
			this.#runs.delete(name);
		});
		keepRequestAlive(ended, () => {});
		if (waitMs > 0) await Promise.race([ended, sleep(waitMs)]);
		return { record: (await this.#store.read(name)) ?? started };
	}

	async deliver(name: string, responses: JsonObject): Promise<TaskDelivery> {
		const { record, ...delivery } = await deliverResponses(this.#store, name, responses);
		if (record) this.#runs.get(name)?.deliver(record);
		return delivery;
	}

	async cancel(name: string): Promise<boolean> {
		const { isChanged, isKnown } = await cancelTask(this.#store, name);
		if (isChanged) this.#runs.get(name)?.cancel();
		return isKnown;
	}

	async #sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
		const { promise: aborted, resolve } = Promise.withResolvers<void>();
		const onAbort = (): void => resolve();
		signal.addEventListener('abort', onAbort, { once: true });
		try {
			for (let ms = untilMs - this.#now(); ms > 0 && !signal.aborted; ms = untilMs - this.#now()) {
				await Promise.race([sleep(Math.min(ms, MAX_TIMER_MS)), aborted]);
			}
		} finally {
			signal.removeEventListener('abort', onAbort);
		}
	}
}
