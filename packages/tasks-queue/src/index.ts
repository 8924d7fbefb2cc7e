export { QueueTaskEngine } from './queue-task-engine.ts';
export type { QueueTaskEngineDeps } from './queue-task-engine.ts';
export { QueueTasks } from './queue-tasks.ts';
export type { QueueTasksOptions } from './queue-tasks.ts';
