import { StoredTaskEngine } from '@tmcp-sessions/tasks/backend';
import type { StoredTaskEngineDeps } from '@tmcp-sessions/tasks/backend';

import type { TaskMessages } from './task-messages.ts';

/** Cloudflare ends a consumer after 15 minutes: a minute is left to hand the call over. */
export const MAX_RUN_SECONDS = 840;

/** What an engine depends on. */
export interface QueueTaskEngineDeps extends Pick<StoredTaskEngineDeps, 'report' | 'store'> {
	readonly messages: TaskMessages;
}

/** Runs each task in the consumer of a queue. */
export class QueueTaskEngine extends StoredTaskEngine {
	constructor({ messages, report, store }: QueueTaskEngineDeps) {
		super({
			store,
			report,
			runner: messages,
			capabilities: { maxRunSeconds: MAX_RUN_SECONDS, survivesDeploy: true, steps: true },
		});
	}
}
