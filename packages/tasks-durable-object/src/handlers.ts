import { TmcpSessionsError } from '@tmcp-sessions/core';
import { TaskHandlers } from '@tmcp-sessions/tasks/backend';

import { PACKAGE } from './package-name.ts';

/** The handlers of this isolate by their names. */
export const handlers: TaskHandlers = /* @__PURE__ */ new TaskHandlers({
	packageName: PACKAGE,
	className: 'DurableObjectTasks',
	runner: 'the script that exports TaskObject',
});

/** Creates the error for a mistake of the deployment. */
export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
