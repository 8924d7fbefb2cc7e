import { toBase64Url } from '@tmcp-sessions/core/internal';

import { hasEnded, ownerOf } from '../task/task-record.ts';
import type { TaskCall, TaskPatch, TaskRecord, TaskStep } from '../task/task-record.ts';
import type {
	ListedTask,
	ReachedLimit,
	StopWatching,
	TaskLimits,
	TaskStore,
	TaskStoreCapabilities,
} from '../task/task-store.ts';

const NAME_BYTES = 24;
/** The limit of a row in a Durable Object, so that development finds results that are too large. */
const MAX_RESULT_BYTES = 1_900_000;

/** Options of `InMemoryTaskStore`. */
export interface InMemoryTaskStoreOptions {
	/** Returns the time in milliseconds since the epoch. */
	readonly now?: (() => number) | undefined;
}

interface StoredTask {
	record: TaskRecord;
	readonly call: TaskCall;
	readonly steps: Map<string, TaskStep>;
	readonly listeners: Set<(record: TaskRecord) => void>;
}

/** Stores tasks in the memory of one process. */
export class InMemoryTaskStore implements TaskStore {
	readonly capabilities: TaskStoreCapabilities = {
		consistency: 'isolate',
		maxResultBytes: MAX_RESULT_BYTES,
	};
	readonly #now: () => number;
	readonly #tasks = new Map<string, StoredTask>();

	constructor({ now = Date.now }: InMemoryTaskStoreOptions = {}) {
		this.#now = now;
	}

	newName(): string {
		return toBase64Url(crypto.getRandomValues(new Uint8Array(NAME_BYTES)));
	}

	async create(
		record: TaskRecord,
		call: TaskCall,
		limits?: TaskLimits,
	): Promise<ReachedLimit | undefined> {
		this.#deleteExpired();
		const reached = limits && reachedLimit(this.#listed(ownerOf(record)), limits);
		if (reached) return reached;
		this.#tasks.set(record.name, {
			record: copy(record),
			call: copy(call),
			steps: new Map(),
			listeners: new Set(),
		});
		return undefined;
	}

	async read(name: string): Promise<TaskRecord | undefined> {
		return this.#find(name)?.record;
	}

	async readCall(name: string): Promise<TaskCall | undefined> {
		return this.#find(name)?.call;
	}

	async update(name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		const task = this.#find(name);
		if (!task || task.record.revision !== revision || hasEnded(task.record)) return undefined;
		task.record = patchedRecord(task.record, copy(patch), this.#now());
		for (const listener of task.listeners) listener(task.record);
		return task.record;
	}

	async addStep(name: string, step: TaskStep): Promise<boolean> {
		const task = this.#find(name);
		if (!task || hasEnded(task.record)) return false;
		if (!task.steps.has(step.name)) task.steps.set(step.name, copy(step));
		return true;
	}

	async readSteps(name: string): Promise<readonly TaskStep[]> {
		const steps = this.#find(name)?.steps.values() ?? [];
		return [...steps].toSorted((one, other) => one.index - other.index);
	}

	async delete(name: string): Promise<void> {
		this.#tasks.delete(name);
	}

	async list(principal: string, session?: string): Promise<readonly ListedTask[]> {
		this.#deleteExpired();
		const listed = this.#listed(ownerOf({ principal, session }));
		return session === undefined ? listed : listed.filter((task) => task.session === session);
	}

	async watch(
		name: string,
		listener: (record: TaskRecord) => void,
	): Promise<StopWatching | undefined> {
		const task = this.#find(name);
		if (!task) return undefined;
		// Two observers may pass the same function.
		const own = (record: TaskRecord): void => listener(record);
		task.listeners.add(own);
		listener(task.record);
		return () => task.listeners.delete(own);
	}

	#find(name: string): StoredTask | undefined {
		const task = this.#tasks.get(name);
		if (!task || task.record.expiresAtMs > this.#now()) return task;
		this.#tasks.delete(name);
		return undefined;
	}

	#listed(owner: string): ListedTask[] {
		return [...this.#tasks.values()]
			.filter(({ record }) => ownerOf(record) === owner)
			.map(({ record }) => listedTask(record));
	}

	#deleteExpired(): void {
		for (const name of this.#tasks.keys()) this.#find(name);
	}
}

/** Returns what `list` has of a task. */
export function listedTask(record: TaskRecord): ListedTask {
	const { name, expiresAtMs, session } = record;
	const listed = { name, hasEnded: hasEnded(record), expiresAtMs };
	return session === undefined ? listed : { ...listed, session };
}

/** Returns the limit that an owner of these tasks has reached. */
export function reachedLimit(
	tasks: readonly ListedTask[],
	{ running, stored }: TaskLimits,
): ReachedLimit | undefined {
	if (tasks.length >= stored) return 'stored';
	return tasks.filter((task) => !task.hasEnded).length >= running ? 'running' : undefined;
}

/** Returns a record after a change. */
export function patchedRecord(record: TaskRecord, patch: TaskPatch, nowMs: number): TaskRecord {
	return { ...record, ...patch, revision: record.revision + 1, updatedAtMs: nowMs };
}

/** Returns the JSON of a value: a later change of the value does not reach the store. */
function copy<Value>(value: Value): Value {
	// Safe because the value is JSON.
	return JSON.parse(JSON.stringify(value)) as Value;
}
