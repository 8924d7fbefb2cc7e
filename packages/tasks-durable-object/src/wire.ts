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

/** A task to start in its object. */
export interface ObjectStart extends Omit<TaskStart, 'limits'> {
	/** The name of the handler that runs the call. */
	readonly handler: string;
}

/** The RPCs of a `TaskObject`: those of one task, and those of the list of a principal's tasks. */
export interface TaskObjectRpc {
	start(start: ObjectStart): Promise<TaskStarted>;
	create(record: TaskRecord, call: TaskCall): Promise<void>;
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
	list(): Promise<readonly ListedTask[]>;
	/** Notes that a listed task has ended; removes it from the list if it was deleted. */
	settle(name: string, isDeleted: boolean): Promise<void>;
}

/** The close code of a socket whose task has ended. */
export const TASK_ENDED = 4000;
