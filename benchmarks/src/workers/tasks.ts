import { createMcpHandler } from '@tmcp-sessions/http';
import {
	DurableObjectTaskEngine,
	DurableObjectTasks,
	DurableObjectTaskStore,
	TaskObject as PublishedTaskObject,
} from '@tmcp-sessions/tasks-durable-object';
import { env } from 'cloudflare:workers';

import { server, tools } from '../operations/task-server.ts';

/** Calls the list of a principal through bindings, which are counted. */
export class TaskObject extends PublishedTaskObject {
	constructor(context: DurableObjectState) {
		Object.defineProperty(context, 'exports', { value: {} });
		super(context, env);
	}
}

const open = createMcpHandler(server, { tasks: new DurableObjectTasks({ tools }) });
const owned = createMcpHandler(server, {
	principal: (request) => request.headers.get('x-user'),
	tasks: new DurableObjectTasks({ tools, name: 'owned' }),
});

/** Serves tasks of a principal to clients with the header `x-user`, and the engine's capabilities. */
export default {
	async fetch(request: Request, bindings: object, context: ExecutionContext): Promise<Response> {
		if (new URL(request.url).pathname === '/capabilities') {
			const engine = new DurableObjectTaskEngine(new DurableObjectTaskStore(), 'default');
			return Response.json(engine.capabilities);
		}
		const handler = request.headers.has('x-user') ? owned : open;
		return handler.fetch(request, bindings, context);
	},
};
