import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { createConformanceServer } from './conformance-server.ts';
import { addTaskFixtures } from './task-fixtures.ts';
import { taskTools } from './task-tools.ts';

const server = createConformanceServer();
addTaskFixtures(server);

export default createMcpHandler(server, { tasks: new InMemoryTasks({ tools: taskTools }) });
