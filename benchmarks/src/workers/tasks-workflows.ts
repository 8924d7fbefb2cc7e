import { createMcpHandler } from '@tmcp-sessions/http';
import { DurableObjectTaskStore } from '@tmcp-sessions/tasks-durable-object';
import { WorkflowTaskEngine, WorkflowTasks } from '@tmcp-sessions/tasks-workflows';

import { server, tools } from '../operations/task-server.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';
export { TaskWorkflow } from '@tmcp-sessions/tasks-workflows';

const handler = createMcpHandler(server, { tasks: new WorkflowTasks({ tools }) });

/** Serves tasks on Workflows, and the engine's capabilities. */
export default {
	async fetch(request: Request, bindings: object, context: ExecutionContext): Promise<Response> {
		if (new URL(request.url).pathname === '/capabilities') {
			const store = new DurableObjectTaskStore();
			const engine = new WorkflowTaskEngine({ store, handler: 'default', report: () => {} });
			return Response.json(engine.capabilities);
		}
		return handler.fetch(request, bindings, context);
	},
};
