import { hasEnded } from '../task/task-record.ts';
import type { TaskPatch, TaskRecord, TaskStep } from '../task/task-record.ts';
import type { RunStore, TaskStore, TaskStoreCapabilities } from '../task/task-store.ts';

/**
 * The store of one start of a call. A later start of the same call takes the task over: then it is unknown
 * to this one, which writes nothing any more. Reads the task again only after a change by others.
 */
export class OwnTaskStore implements RunStore {
	readonly capabilities: TaskStoreCapabilities;
	/** Why the store could not be reached. */
	failure: Error | undefined;
	readonly #store: TaskStore;
	readonly #attempt: number;
	#latest: TaskRecord | undefined;
	#isLost = false;

	/** @param claimed the task, whose `attempts` are the number of this start. */
	constructor(store: TaskStore, claimed: TaskRecord) {
		this.capabilities = store.capabilities;
		this.#store = store;
		this.#attempt = claimed.attempts;
		this.#latest = claimed;
	}

	/** Whether a later start has taken the task over. */
	get isLost(): boolean {
		return this.#isLost;
	}

	/** Has this start write nothing any more. */
	lose(): void {
		this.#isLost = true;
	}

	/** Takes a task that was read or observed. */
	note(record: TaskRecord): void {
		if (record.attempts !== this.#attempt && !hasEnded(record)) this.#isLost = true;
		if (this.#latest && record.revision > this.#latest.revision) this.#latest = record;
	}

	async read(name: string): Promise<TaskRecord | undefined> {
		if (this.#isLost) return undefined;
		if (this.#latest) return this.#latest;
		const record = await this.#attempted(this.#store.read(name));
		if (record) this.note(record);
		if (this.#isLost) return undefined;
		this.#latest = record;
		return record;
	}

	async update(name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		if (this.#isLost) return undefined;
		const changed = await this.#attempted(this.#store.update(name, revision, patch));
		this.#latest = changed;
		return changed;
	}

	async addStep(name: string, step: TaskStep): Promise<boolean> {
		if (this.#isLost) return false;
		return this.#attempted(this.#store.addStep(name, step));
	}

	async #attempted<Result>(operation: Promise<Result>): Promise<Result> {
		try {
			return await operation;
		} catch (error) {
			this.failure ??= error instanceof Error ? error : new Error(String(error));
			throw error;
		}
	}
}
