import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { createConformanceServer } from './conformance-server.ts';
import { addTaskFixtures, taskTools } from './task-fixtures.ts';

const server = createConformanceServer();
addTaskFixtures(server);

export default createMcpHandler(server, { tasks: new InMemoryTasks({ tools: taskTools }) });
