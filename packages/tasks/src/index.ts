// What a deployment composes. `./backend` is for stores and engines of tasks.
export { InMemoryTasks } from './memory/in-memory-tasks.ts';
export type { InMemoryTasksOptions } from './memory/in-memory-tasks.ts';
export type { Fallback, TaskRequest, TasksOptions, TaskTool, ToolCall } from './options.ts';
export { currentTask } from './run/current-task.ts';
export type { Answer, CurrentTask } from './run/current-task.ts';
export type { SavedContext } from './run/task-run.ts';
export { createTokenSeal } from './token-seal.ts';
export type { TokenSeal, TokenSealOptions } from './token-seal.ts';
