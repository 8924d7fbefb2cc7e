import { SessionObject, createSessionRouter } from '@tmcp-sessions/session-object';
import type { SessionServer, SessionSettings } from '@tmcp-sessions/session-object';
import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';
import { createConformanceServer } from './conformance-server.ts';
import { addTaskFixtures } from './task-fixtures.ts';
import { taskTools } from './task-tools.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';

const tasks = new DurableObjectTasks({ tools: taskTools });

/** Runs the server in one object for all clients, session-based and stateless, and the tools of its tasks. */
export class ConformanceSession extends SessionObject {
	override readonly settings: SessionSettings = { tasks };

	createServer(): SessionServer {
		const server = createConformanceServer();
		addTaskFixtures(server);
		return server;
	}
}

export default createSessionRouter({
	object: 'CONFORMANCE',
	identify: () => ({ workspaceId: 'conformance', clientId: 'suites' }),
	tasks,
});
