import { StoredTaskEngine } from '@tmcp-sessions/tasks/backend';
import type { StoredTaskEngineDeps } from '@tmcp-sessions/tasks/backend';

import { MAX_RUN_SECONDS } from './task-delivery.ts';
import { TaskMessages } from './task-messages.ts';

/** What an engine depends on. */
export interface QueueTaskEngineDeps extends Pick<StoredTaskEngineDeps, 'report' | 'store'> {
	/** The name of the handler that runs the calls. */
	readonly handler: string;
	/** The name of the queue's binding. Default: `TMCP_TASK_QUEUE`. */
	readonly binding?: string | undefined;
}

/** Runs each task in the consumer of a queue. */
export class QueueTaskEngine extends StoredTaskEngine {
	constructor({ binding, handler, report, store }: QueueTaskEngineDeps) {
		super({
			store,
			report,
			runner: new TaskMessages(handler, binding),
			capabilities: { maxRunSeconds: MAX_RUN_SECONDS, survivesDeploy: true, steps: true },
		});
	}
}
