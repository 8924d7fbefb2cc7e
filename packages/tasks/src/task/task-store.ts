import type { TaskCall, TaskPatch, TaskRecord, TaskStep } from './task-record.ts';

/** What a task store guarantees. The contract suite asserts each value. */
export interface TaskStoreCapabilities {
	/**
	 * Who sees a confirmed write at the next read: `strong`, all isolates; `isolate`, only the isolate that
	 * wrote. `eventual` is rejected: a client may read a task in another isolate at once.
	 */
	readonly consistency: 'eventual' | 'isolate' | 'strong';
	/** The largest result of a task, in bytes of JSON. */
	readonly maxResultBytes: number;
}

/** The most tasks of a principal. */
export interface TaskLimits {
	/** Tasks that have not ended. */
	readonly running: number;
	/** Tasks that have not expired. */
	readonly stored: number;
}

/** A limit that a principal has reached. */
export type ReachedLimit = keyof TaskLimits;

/** A task of a principal. */
export interface ListedTask {
	readonly name: string;
	/** As in the record. */
	readonly session?: string | undefined;
	readonly hasEnded: boolean;
	readonly expiresAtMs: number;
}

/** Ends the observation of a task. */
export type StopWatching = () => void;

/**
 * Stores tasks: the interface of a backend. A method that cannot reach its backend rejects with a
 * `StoreError`. A task that has expired is unknown to every method.
 */
export interface TaskStore {
	readonly capabilities: TaskStoreCapabilities;

	/** Returns the name of a new task: unguessable, 1 to 128 characters of `A-Z a-z 0-9 - _`. */
	newName(): string;

	/**
	 * Stores a new task. Once it has resolved, `read` finds the task in every isolate.
	 *
	 * @param limits of the owner, see `ownerOf`, if there is one. Default: none.
	 * @returns the limit that the owner has reached; then nothing is stored.
	 */
	create(
		record: TaskRecord,
		call: TaskCall,
		limits?: TaskLimits,
	): Promise<ReachedLimit | undefined>;

	/** Reads a task; `undefined` if it is unknown. */
	read(name: string): Promise<TaskRecord | undefined>;

	/** Reads the call of a task; `undefined` if it is unknown. */
	readCall(name: string): Promise<TaskCall | undefined>;

	/**
	 * Changes a task if it has this revision and has not ended. Increments the revision.
	 *
	 * @returns the changed task; `undefined` if nothing was changed.
	 */
	update(name: string, revision: number, patch: TaskPatch): Promise<TaskRecord | undefined>;

	/**
	 * Stores a completed step. A step of the same name stays as it is.
	 *
	 * @returns whether it was stored: not if the task is unknown or has ended.
	 */
	addStep(name: string, step: TaskStep): Promise<boolean>;

	/** Returns the completed steps in the order in which they started. */
	readSteps(name: string): Promise<readonly TaskStep[]>;

	/** Deletes a task. An unknown one is ignored. */
	delete(name: string): Promise<void>;

	/**
	 * Returns the tasks of a principal.
	 *
	 * @param session returns those of the session only. Required if `principal` is empty.
	 */
	list(principal: string, session?: string): Promise<readonly ListedTask[]>;

	/**
	 * Observes a task: the listener receives the current record, and each change from any isolate, in
	 * order and once.
	 *
	 * @returns `undefined` if the task is unknown.
	 */
	watch(name: string, listener: (record: TaskRecord) => void): Promise<StopWatching | undefined>;
}

/** What the run of a call uses of a store. */
export type RunStore = Pick<TaskStore, 'addStep' | 'capabilities' | 'read' | 'update'>;
