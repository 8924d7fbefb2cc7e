import { isObject } from '@tmcp-sessions/http/internal';
import { WorkflowEntrypoint } from 'cloudflare:workers';
import type { WorkflowEvent, WorkflowStep } from 'cloudflare:workers';

import { configurationError, handlers } from './handlers.ts';
import type { TaskWorkflowParams } from './workflow-instances.ts';
import { WorkflowRun } from './workflow-run.ts';
import type { InstanceSteps } from './workflow-run.ts';

/** The Workflow that runs the calls of tasks: one instance for each task. */
export class TaskWorkflow<Env = Cloudflare.Env> extends WorkflowEntrypoint<
	Env,
	TaskWorkflowParams
> {
	override async run(
		{ payload }: Readonly<WorkflowEvent<TaskWorkflowParams>>,
		step: WorkflowStep,
	): Promise<void> {
		const { handler, task } = paramsIn(payload);
		const { ctx: platform, env } = this;
		// Safe because steps return JSON.
		const steps = step as unknown as InstanceSteps;
		const deps = { handler: handlers.of(handler), step: steps, env, platform };
		await new WorkflowRun(deps, task).run();
	}
}

/** Anyone with access to the account can create instances. */
function paramsIn(payload: unknown): TaskWorkflowParams {
	const { handler, task } = (isObject(payload) ? payload : {}) as Partial<TaskWorkflowParams>;
	if (typeof handler === 'string' && typeof task === 'string') return { handler, task };
	throw configurationError(
		'an instance of TaskWorkflow needs the parameters handler and task, which WorkflowTasks sets; got ' +
			`${isObject(payload) ? `an object with ${Object.keys(payload).join(', ') || 'no fields'}` : typeof payload}. ` +
			'Call the tool instead of creating an instance',
	);
}
