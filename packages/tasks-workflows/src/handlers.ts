import { TmcpSessionsError } from '@tmcp-sessions/core';
import { TaskHandlers } from '@tmcp-sessions/tasks/backend';
import type { StoredTaskHandler } from '@tmcp-sessions/tasks/backend';

import { PACKAGE } from './package-name.ts';

/** The handler that runs the calls of tasks in instances. */
export interface WorkflowTaskHandler extends StoredTaskHandler {
	/** How long a step may run. */
	readonly stepSeconds: number;
}

/** The handlers of this isolate by their names. */
export const handlers: TaskHandlers<WorkflowTaskHandler> = /* @__PURE__ */ new TaskHandlers({
	packageName: PACKAGE,
	className: 'WorkflowTasks',
	runner: 'the script that exports TaskWorkflow',
});

/** Creates the error for a mistake of the deployment. */
export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
