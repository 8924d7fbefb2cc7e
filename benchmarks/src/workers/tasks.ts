import { createMcpHandler } from '@tmcp-sessions/http';
import { currentTask } from '@tmcp-sessions/tasks';
import {
	DurableObjectTasks,
	TaskObject as PublishedTaskObject,
} from '@tmcp-sessions/tasks-durable-object';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { env } from 'cloudflare:workers';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

/** Calls the list of a principal through bindings, which are counted. */
export class TaskObject extends PublishedTaskObject {
	constructor(context: DurableObjectState) {
		Object.defineProperty(context, 'exports', { value: {} });
		super(context, env);
	}
}

const STEPS = 5;
/** Longer than the counts take. */
const WAITING_MS = 600_000;

const server = new McpServer(
	{ name: 'tasks', version: '1.0.0' },
	{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
);
server.tool({ name: 'plain', description: 'Returns at once' }, () => tool.text('done'));
server.tool({ name: 'brief', description: 'Returns at once, and expires' }, () =>
	tool.text('done'),
);
server.tool({ name: 'steps', description: 'Has five steps' }, async () => {
	for (let number = 1; number <= STEPS; number++)
		await currentTask().step(`${number}`, () => number);
	return tool.text('done');
});
server.tool({ name: 'status', description: 'Sets its status' }, () => {
	currentTask().status('Reading');
	return tool.text('done');
});
server.tool({ name: 'ask', description: 'Asks the user' }, async () => {
	await currentTask().ask('Go on?', v.object({ approve: v.boolean() }));
	return tool.text('done');
});
server.tool({ name: 'sleep', description: 'Sleeps' }, async () => {
	await currentTask().sleep(WAITING_MS);
	return tool.text('done');
});

const long = { pollSeconds: 5, ttlSeconds: 3_600 };
const tools = {
	plain: long,
	steps: long,
	status: long,
	ask: long,
	sleep: long,
	brief: { ttlSeconds: 1 },
};
const open = createMcpHandler(server, { tasks: new DurableObjectTasks({ tools }) });
const owned = createMcpHandler(server, {
	principal: (request) => request.headers.get('x-user'),
	tasks: new DurableObjectTasks({ tools, name: 'owned' }),
});

/** Serves tasks of a principal to clients with the header `x-user`. */
export default {
	fetch(request: Request, bindings: object, context: ExecutionContext): Promise<Response> {
		const handler = request.headers.has('x-user') ? owned : open;
		return handler.fetch(request, bindings, context);
	},
};
