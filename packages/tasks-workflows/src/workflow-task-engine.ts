import { StoredTaskEngine } from '@tmcp-sessions/tasks/backend';
import type { StoredTaskEngineDeps } from '@tmcp-sessions/tasks/backend';

import { WorkflowInstances } from './workflow-instances.ts';

/** What an engine depends on. */
export interface WorkflowTaskEngineDeps extends Pick<StoredTaskEngineDeps, 'report' | 'store'> {
	/** The name of the handler that runs the calls. */
	readonly handler: string;
	/** The name of the Workflow's binding. Default: `TMCP_TASK_WORKFLOW`. */
	readonly binding?: string | undefined;
}

/** Runs each task in an instance of `TaskWorkflow`. */
export class WorkflowTaskEngine extends StoredTaskEngine {
	constructor({ binding, handler, report, store }: WorkflowTaskEngineDeps) {
		super({
			store,
			report,
			runner: new WorkflowInstances(handler, binding),
			capabilities: { maxRunSeconds: null, survivesDeploy: true, steps: true },
		});
	}
}
