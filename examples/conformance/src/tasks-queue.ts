import { createMcpHandler } from '@tmcp-sessions/http';
import { QueueTasks } from '@tmcp-sessions/tasks-queue';
import { createConformanceServer } from './conformance-server.ts';
import { addTaskFixtures } from './task-fixtures.ts';
import { taskTools } from './task-tools.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';

const server = createConformanceServer();
addTaskFixtures(server);
const tasks = new QueueTasks({ tools: taskTools });
const { fetch } = createMcpHandler(server, { tasks });

export default { fetch, queue: tasks.queue };
