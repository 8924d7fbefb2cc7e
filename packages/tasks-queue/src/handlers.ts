import { TmcpSessionsError } from '@tmcp-sessions/core';
import { TaskHandlers } from '@tmcp-sessions/tasks/backend';
import type { StoredTaskHandler } from '@tmcp-sessions/tasks/backend';

import { PACKAGE } from './package-name.ts';
import type { TaskMessages } from './task-messages.ts';

/** The handler that runs the calls of tasks in consumers. */
export interface QueueTaskHandler extends StoredTaskHandler {
	readonly messages: TaskMessages;
	/** How long a consumer runs a call before it is cut off. */
	readonly maxRunMs: number;
}

/** The handlers of this isolate by their names. */
export const handlers: TaskHandlers<QueueTaskHandler> = /* @__PURE__ */ new TaskHandlers({
	packageName: PACKAGE,
	className: 'QueueTasks',
	runner: 'the consumer of the queue of tasks',
});

/** Creates the error for a mistake of the deployment. */
export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
