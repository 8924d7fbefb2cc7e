import type { TasksOptions } from '@tmcp-sessions/tasks';

/** The tools of the fixtures whose calls become tasks. */
export const taskTools: TasksOptions['tools'] = {
	slow_compute: { pollSeconds: 1 },
	failing_job: { pollSeconds: 1, fallback: 'refuse' },
	protocol_error_job: { pollSeconds: 1 },
	confirm_delete: { pollSeconds: 1 },
	multi_input: { pollSeconds: 1 },
	test_tool_with_task: { pollSeconds: 1, fallback: 'refuse', asksFirst: true },
};
