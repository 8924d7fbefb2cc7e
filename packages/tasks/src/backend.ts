// What a store or an engine of tasks implements and uses.
export { connectTasks } from './connect-tasks.ts';
export type { TaskBackend } from './connect-tasks.ts';
export { InMemoryTaskStore } from './memory/in-memory-task-store.ts';
export type { InMemoryTaskStoreOptions } from './memory/in-memory-task-store.ts';
export { listedTask, patchedRecord, reachedLimit } from './memory/in-memory-task-store.ts';
export { InProcessEngine } from './memory/in-process-engine.ts';
export type { CreateRun } from './memory/in-process-engine.ts';
export { resolveTasks } from './resolve-options.ts';
export type { ResolvedTasks, TaskPolicy } from './resolve-options.ts';
export { DEFAULT_MAX_ATTEMPTS, failTask, restartProblem, retryDelayMs } from './run/restart.ts';
export type { StoppedCall } from './run/restart.ts';
export { StoredRun } from './run/stored-run.ts';
export type { StoredRunDeps, StoredTaskHandler } from './run/stored-run.ts';
export { StoredTaskEngine } from './run/stored-task-engine.ts';
export type { StoredTaskEngineDeps, TaskRunner } from './run/stored-task-engine.ts';
export { TaskHandlers } from './run/task-handlers.ts';
export type { TaskHandler } from './run/task-handlers.ts';
export { TaskRun } from './run/task-run.ts';
export type { TaskRunDeps } from './run/task-run.ts';
export { cancelTask } from './task/cancel-task.ts';
export { changeTask } from './task/change-task.ts';
export { deliverResponses } from './task/deliver-responses.ts';
export type { StoredDelivery } from './task/deliver-responses.ts';
export { endedWithin } from './task/ended-within.ts';
export type {
	TaskDelivery,
	TaskEngine,
	TaskEngineCapabilities,
	TaskStart,
	TaskStarted,
} from './task/task-engine.ts';
export { isRepeatable } from './task/list-tools.ts';
export { hasEnded, ownerOf } from './task/task-record.ts';
export type {
	TaskCall,
	TaskError,
	TaskInput,
	TaskPatch,
	TaskProgress,
	TaskRecord,
	TaskStatus,
	TaskStep,
} from './task/task-record.ts';
export type {
	ListedTask,
	ReachedLimit,
	StopWatching,
	TaskLimits,
	TaskStore,
	TaskStoreCapabilities,
} from './task/task-store.ts';
