import { createMcpHandler } from '@tmcp-sessions/http';
import { WorkflowTasks } from '@tmcp-sessions/tasks-workflows';
import { createConformanceServer } from './conformance-server.ts';
import { addTaskFixtures } from './task-fixtures.ts';
import { taskTools } from './task-tools.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';
export { TaskWorkflow } from '@tmcp-sessions/tasks-workflows';

const server = createConformanceServer();
addTaskFixtures(server);

export default createMcpHandler(server, { tasks: new WorkflowTasks({ tools: taskTools }) });
