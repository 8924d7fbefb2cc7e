import type {
	TaskPatch,
	TaskRecord,
	TaskStep,
	TaskStore,
	TaskStoreCapabilities,
} from '@tmcp-sessions/tasks/backend';

import type { RedisTaskStore, TaskWriter } from '../store/redis-task-store.ts';

/** How long the writes of a run wait for Redis. */
export const RUN_RETRY_MS = 30_000;

/**
 * The store of one run. Once the run has lost its lease or Redis, the task is unknown to it: it writes
 * nothing any more, and another run continues the task.
 */
export class LeasedTaskStore implements Pick<
	TaskStore,
	'addStep' | 'capabilities' | 'read' | 'update'
> {
	readonly capabilities: TaskStoreCapabilities;
	/** Why Redis could not be reached. */
	failure: Error | undefined;
	/** Whether the run has stored the result of a step. */
	hasProgress = false;
	#isLost = false;
	readonly #store: RedisTaskStore;
	readonly #writer: TaskWriter;
	readonly #onLost: () => void;

	/** @param onLost called once. */
	constructor(store: RedisTaskStore, lease: string, onLost: () => void) {
		this.capabilities = store.capabilities;
		this.#store = store;
		this.#writer = { lease, retryMs: RUN_RETRY_MS };
		this.#onLost = onLost;
	}

	/** Whether the run may not write any more. */
	get isLost(): boolean {
		return this.#isLost;
	}

	/** Notes that the run may not write any more. */
	lose(): void {
		if (this.#isLost) return;
		this.#isLost = true;
		this.#onLost();
	}

	async read(name: string): Promise<TaskRecord | undefined> {
		if (this.#isLost) return undefined;
		return this.#attempt(() => this.#store.read(name, this.#writer.retryMs));
	}

	async update(name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		if (this.#isLost) return undefined;
		const changed = await this.#attempt(() =>
			this.#store.write(name, revision, patch, this.#writer),
		);
		if (changed !== 'lost') return changed;
		this.lose();
		return undefined;
	}

	async addStep(name: string, step: TaskStep): Promise<boolean> {
		if (this.#isLost) return false;
		const stored = await this.#attempt(() => this.#store.writeStep(name, step, this.#writer));
		if (stored === 'lost') this.lose();
		if (stored === true) this.hasProgress = true;
		return stored === true;
	}

	/** Notes that the call stores results. */
	async markJournal(name: string): Promise<void> {
		if (this.#isLost) return;
		const stored = await this.#attempt(() => this.#store.markJournal(name, this.#writer));
		if (stored === 'lost') this.lose();
	}

	async #attempt<Result>(run: () => Promise<Result>): Promise<Result> {
		try {
			return await run();
		} catch (error) {
			this.failure ??= error instanceof Error ? error : undefined;
			this.lose();
			throw error;
		}
	}
}
