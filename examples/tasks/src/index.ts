import { createMcpHandler } from '@tmcp-sessions/http';
import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';
import { createReportServer } from './report-server.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';

// At module scope: an object that its alarm wakes finds the server here.
export default createMcpHandler(createReportServer(), {
	tasks: new DurableObjectTasks({
		tools: { generate_report: { ttlSeconds: 3_600, pollSeconds: 1, fallback: 'poll-tools' } },
	}),
});
