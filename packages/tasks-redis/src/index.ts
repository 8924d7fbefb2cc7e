export { RedisTasks } from './redis-tasks.ts';
export type { RedisTasksOptions } from './redis-tasks.ts';
export { RedisTaskEngine } from './engine/redis-task-engine.ts';
export type { RedisTaskEngineDeps } from './engine/redis-task-engine.ts';
export { RedisTaskStore } from './store/redis-task-store.ts';
export type { TaskWriter } from './store/redis-task-store.ts';
export type { RedisTaskStoreOptions, TaskDatabase } from './store/task-database.ts';
