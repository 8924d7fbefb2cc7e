import { createMcpHandler } from '@tmcp-sessions/http';
import { DurableObjectTaskStore } from '@tmcp-sessions/tasks-durable-object';
import { QueueTaskEngine, QueueTasks, TaskMessages } from '@tmcp-sessions/tasks-queue';

import { server, tools } from '../operations/task-server.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';

const tasks = new QueueTasks({ tools });
const handler = createMcpHandler(server, { tasks });

/** Serves tasks on a queue, and the engine's capabilities. */
export default {
	async fetch(request: Request, bindings: object, context: ExecutionContext): Promise<Response> {
		if (new URL(request.url).pathname === '/capabilities') {
			const store = new DurableObjectTaskStore();
			const messages = new TaskMessages('default');
			return Response.json(new QueueTaskEngine({ store, messages, report: () => {} }).capabilities);
		}
		return handler.fetch(request, bindings, context);
	},
	queue: tasks.queue,
};
