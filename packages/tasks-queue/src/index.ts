export { QueueTaskEngine } from './queue-task-engine.ts';
export type { QueueTaskEngineDeps } from './queue-task-engine.ts';
export { QueueTasks } from './queue-tasks.ts';
export type { QueueTasksOptions } from './queue-tasks.ts';
export { TaskMessages } from './task-messages.ts';
export type { TaskMessage } from './task-messages.ts';
