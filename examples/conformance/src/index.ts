import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';
import { createConformanceServer } from './conformance-server.ts';
import { addTaskFixtures } from './task-fixtures.ts';
import { taskTools } from './task-tools.ts';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';
export { TaskObject } from '@tmcp-sessions/tasks-durable-object';

const server = createConformanceServer();
addTaskFixtures(server);

export default createMcpHandler(server, {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
	tasks: new DurableObjectTasks({ tools: taskTools }),
});
