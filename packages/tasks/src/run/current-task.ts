import { AsyncLocalStorage } from 'node:async_hooks';

import type { StandardSchemaV1 } from '@standard-schema/spec';

import { taskError } from '../task-error.ts';

/** The answer of a user to `ask`. */
export interface Answer<Content> {
	readonly action: 'accept' | 'cancel' | 'decline';
	/** Set if the user accepted. */
	readonly content?: Content | undefined;
}

/** The task that runs the current call. */
export interface CurrentTask {
	/** Counts the starts of the call, from 1. A call that was interrupted starts again. */
	readonly attempt: number;
	/** Aborted when the client cancels the task. */
	readonly signal: AbortSignal;
	/**
	 * Marks where the task begins, for a tool with `asksFirst`. What the tool asks before is settled on the
	 * original request. The call starts again from the top as a task: do nothing before that must happen
	 * once, and let the error pass that this method throws on the original request.
	 */
	begin(): void;
	/** Sets the status message of the task. Messages that follow within a second replace each other. */
	status(message: string): void;
	/**
	 * Runs a step once: if the call starts again, the stored result is returned instead.
	 *
	 * @param name unique in the task. Change it, for instance to `read@2`, if a deployment changes what the
	 * step returns.
	 * @param run returns JSON.
	 */
	step<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result>;
	/**
	 * Asks the user. The task is `input_required` until the client responds.
	 *
	 * @param schema a flat object of the server's schema library.
	 */
	ask<Schema extends StandardSchemaV1>(
		message: string,
		schema: Schema,
	): Promise<Answer<StandardSchemaV1.InferOutput<Schema>>>;
	/** Waits, also over a restart. Rejects if the task is cancelled. */
	sleep(ms: number): Promise<void>;
}

const tasks = new AsyncLocalStorage<CurrentTask>();

/** Runs a function in a task. */
export function runInTask<Result>(task: CurrentTask, callback: () => Result): Result {
	return tasks.run(task, callback);
}

/**
 * Returns the task that runs the current call. Without the extension, a call that waits has one too.
 *
 * @throws {TmcpSessionsError} `task` outside of a task.
 */
export function currentTask(): CurrentTask {
	const task = tasks.getStore();
	if (task) return task;
	throw taskError(
		'currentTask() needs a task; found none. Call it in a tool that is named in the tools of the ' +
			'option tasks, and not in a callback of another request',
	);
}
