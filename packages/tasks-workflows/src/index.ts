export { TaskWorkflow } from './task-workflow.ts';
export type { TaskWorkflowParams } from './workflow-instances.ts';
export { WorkflowTaskEngine } from './workflow-task-engine.ts';
export type { WorkflowTaskEngineDeps } from './workflow-task-engine.ts';
export { WorkflowTasks } from './workflow-tasks.ts';
export type { WorkflowTasksOptions } from './workflow-tasks.ts';
