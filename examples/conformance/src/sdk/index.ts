import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { createSdkHandler } from '@tmcp-sessions/sdk';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';
import { taskTools } from '../task-tools.ts';
import { createConformanceServer } from './conformance-server.ts';
import { addTaskFixtures } from './task-fixtures.ts';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';
export { TaskObject } from '@tmcp-sessions/tasks-durable-object';

export default createSdkHandler(
	() => {
		const server = createConformanceServer();
		addTaskFixtures(server);
		return server;
	},
	{
		streams: new DurableObjectStreamSessionManager(),
		subscriptions: new DurableObjectSubscriptionManager(),
		info: new KVInfoSessionManager(),
		tasks: new DurableObjectTasks({ tools: taskTools }),
	},
);
