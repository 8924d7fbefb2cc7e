export { TaskObject } from './object/task-object.ts';
export { DurableObjectTasks } from './worker/durable-object-tasks.ts';
export type { DurableObjectTasksOptions } from './worker/durable-object-tasks.ts';
export { DurableObjectTaskEngine } from './worker/object-engine.ts';
export { DurableObjectTaskStore } from './worker/object-task-store.ts';
export type { TaskPlacement } from './worker/object-task-store.ts';
