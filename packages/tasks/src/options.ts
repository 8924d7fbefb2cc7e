import type { JsonObject, RequestContext } from '@tmcp-sessions/http/internal';

import type { SavedContext } from './run/task-run.ts';

/**
 * How a tool answers a client that has not declared the extension: `wait`, the call waits for the result;
 * `poll-tools`, it returns a task id for the tools `task_status` and `task_cancel`; `refuse`, it is
 * rejected with -32021.
 */
export type Fallback = 'poll-tools' | 'refuse' | 'wait';

/** How calls of a tool become tasks. */
export interface TaskTool {
	/** How long a task is kept, from its creation: 1 to 2,592,000 (30 days). Default: 3,600. */
	readonly ttlSeconds?: number | undefined;
	/** How often clients should poll, from 0.1 to 3,600. Default: 5. */
	readonly pollSeconds?: number | undefined;
	/** Default: `wait`. */
	readonly fallback?: Fallback | undefined;
	/**
	 * How long a call waits for its result before it returns a task, at most 20. A call that ends before
	 * returns its result as usual. Default: 0.
	 */
	readonly inlineSeconds?: number | undefined;
	/**
	 * Whether the tool calls `currentTask().begin()`, and may ask before. A call that never begins a task
	 * returns its result as usual. Default: false, the task begins with the call.
	 */
	readonly asksFirst?: boolean | undefined;
	/**
	 * What becomes of a call that was cut off by a restart: `resume` starts it again with its completed
	 * steps, `fail` ends the task with an error. Default: `resume` if the tool is annotated as idempotent
	 * or read-only, or has used `step`, `sleep` or `ask`.
	 */
	readonly onInterrupt?: 'fail' | 'resume' | undefined;
	/** How often a call may start, at most 100. Default: 5. */
	readonly maxAttempts?: number | undefined;
}

/** A call that may become a task. */
export interface ToolCall {
	readonly tool: string;
	readonly arguments: JsonObject;
	/** Empty if tasks belong to no principal. */
	readonly principal: string;
}

/** What the option `oauth` of a handler returns for a request. */
type RequestAuth = RequestContext['origin']['auth'];

/** A request that concerns tasks. */
export interface TaskRequest {
	readonly kind: 'cancel' | 'create' | 'get' | 'list' | 'result' | 'update';
	/** Empty if tasks belong to no principal. */
	readonly principal: string;
	/** Undefined for `create` and `list`. */
	readonly taskId: string | undefined;
	/** Whether the client polls faster than `pollSeconds`. */
	readonly isEarly: boolean;
}

/** Options of tasks. */
export interface TasksOptions {
	/** The tools whose calls become tasks, by name, or a function of the call. */
	readonly tools:
		Readonly<Record<string, TaskTool>> | ((call: ToolCall) => TaskTool | null | undefined);
	/** The most tasks of a principal that have not ended. Default: 20. */
	readonly maxRunning?: number | undefined;
	/** The most tasks of a principal that have not expired. Default: 200. */
	readonly maxStored?: number | undefined;
	/**
	 * Returns the seconds after which a client may try again; the request is then rejected with 429.
	 * Default: requests are not limited.
	 */
	readonly limitRequests?:
		((request: TaskRequest) => Promise<number | undefined> | number | undefined) | undefined;
	/**
	 * Returns what a task needs of the request that creates it, as JSON. It is stored as it is: return no
	 * tokens, unless `createTokenSeal` has sealed them. Default: nothing.
	 *
	 * @param auth what the option `oauth` of the handler has verified.
	 */
	readonly saveContext?: ((request: Request, auth: RequestAuth) => unknown) | undefined;
	/**
	 * Returns `server.ctx.custom` for a task, as the handler's `context` does for a request. Required if
	 * the handler has `context`.
	 *
	 * @param env the bindings of the object that runs the task, if there is one.
	 */
	readonly context?: ((saved: SavedContext, env: unknown) => unknown) | undefined;
}
