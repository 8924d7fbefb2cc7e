export { QStashTasks } from './qstash-tasks.ts';
export type { QStashTasksOptions } from './qstash-tasks.ts';
