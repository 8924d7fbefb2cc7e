import type { JsonObject } from '@tmcp-sessions/http/internal';

import type { TaskCall, TaskRecord } from './task-record.ts';
import type { ReachedLimit, TaskLimits } from './task-store.ts';

/** What an engine guarantees. The contract suite asserts each value. */
export interface TaskEngineCapabilities {
	/** How long a call may run without a step, a sleep or a server request. Null: without a limit. */
	readonly maxRunSeconds: number | null;
	/** Whether tasks continue after a deployment or a restart. */
	readonly survivesDeploy: boolean;
	/** Whether a call that was interrupted starts again with its completed steps. */
	readonly steps: boolean;
}

/** A task to start. */
export interface TaskStart {
	readonly record: TaskRecord;
	readonly call: TaskCall;
	/** As for `TaskStore.create`. */
	readonly limits?: TaskLimits | undefined;
	/** How long to wait for the end of the task. */
	readonly waitMs: number;
}

/** The outcome of a start: the task as it is then, or the limit that its principal has reached. */
export type TaskStarted = { readonly record: TaskRecord } | { readonly limit: ReachedLimit };

/** The outcome of a delivery: `invalid` is the reason for a response that does not fit its request. */
export type TaskDelivery = { readonly isKnown: boolean; readonly invalid?: string | undefined };

/** Runs tasks. A method that cannot reach its backend rejects with a `StoreError`. */
export interface TaskEngine {
	readonly capabilities: TaskEngineCapabilities;

	/** Stores a task and starts its call, exactly once. Once it has resolved, the task is readable everywhere. */
	start(start: TaskStart): Promise<TaskStarted>;

	/**
	 * Delivers responses of the client by the keys of their requests. Ignores keys that are unknown or
	 * have been answered. Delivers nothing if one response is invalid.
	 */
	deliver(name: string, responses: JsonObject): Promise<TaskDelivery>;

	/**
	 * Cancels a task: its status changes, and the signal of its call is aborted. A task that has ended
	 * stays as it is.
	 *
	 * @returns whether the task is known.
	 */
	cancel(name: string): Promise<boolean>;

	/**
	 * Called when a client reads a task that has not ended. Fails the task if what runs its call no longer
	 * exists, and returns the task then. Default: nothing can end a call without storing it.
	 */
	check?(record: TaskRecord): Promise<TaskRecord>;
}
