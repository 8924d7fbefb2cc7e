import { createMcpHandler } from '@tmcp-sessions/http';
import { currentTask } from '@tmcp-sessions/tasks';
import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';
import { createReportServer } from './report-server.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';

const server = createReportServer((name, run) => currentTask().step(name, run));

// At module scope: an object that its alarm wakes finds the server here.
export default createMcpHandler(server, {
	tasks: new DurableObjectTasks({
		tools: { generate_report: { ttlSeconds: 3_600, pollSeconds: 1, fallback: 'poll-tools' } },
	}),
});
