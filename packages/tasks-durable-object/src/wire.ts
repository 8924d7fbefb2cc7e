import type {
	ListedTask,
	ReachedLimit,
	TaskCall,
	TaskDelivery,
	TaskLimits,
	TaskPatch,
	TaskRecord,
	TaskStart,
	TaskStarted,
	TaskStep,
} from '@tmcp-sessions/tasks/backend';

/** What runs the call of a task. */
export interface CallTarget {
	/** The name of the handler. */
	readonly handler: string;
	/** The id of the object of a session whose handler it is. Default: the handler of the script. */
	readonly object?: string | undefined;
}

/** A task to start in its object. */
export interface ObjectStart extends Omit<TaskStart, 'limits'>, CallTarget {
	/** The name of the binding of the bucket for large results. */
	readonly bucket?: string | undefined;
}

/** The outcome of a start. A mistake is a value because RPC does not preserve error classes. */
export type ObjectStarted = TaskStarted | { readonly mistake: string };

/** The RPCs of a `TaskObject`: those of one task, and those of the list of a principal's tasks. */
export interface TaskObjectRpc {
	/** @returns `mistake` if the script of the object lacks the handler. */
	start(start: ObjectStart): Promise<ObjectStarted>;
	create(record: TaskRecord, call: TaskCall, bucket?: string): Promise<void>;
	readTask(): Promise<TaskRecord | undefined>;
	readCall(): Promise<TaskCall | undefined>;
	update(revision: number, patch: TaskPatch): Promise<TaskRecord | undefined>;
	addStep(step: TaskStep): Promise<boolean>;
	readSteps(): Promise<readonly TaskStep[]>;
	deliver(responses: Record<string, unknown>): Promise<TaskDelivery>;
	cancel(): Promise<boolean>;
	remove(): Promise<void>;
	/** Lists a task, unless a limit is reached. */
	reserve(task: ListedTask, limits: TaskLimits | undefined): Promise<ReachedLimit | undefined>;
	/** @param session returns those of the session only. */
	list(session?: string): Promise<readonly ListedTask[]>;
	/** Notes that a listed task has ended; removes it from the list if it was deleted. */
	settle(name: string, isDeleted: boolean): Promise<void>;
}

/** The close code of a socket whose task has ended. */
export const TASK_ENDED = 4000;
