import { reasonOf, resolveBinding, storeOperation } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import { TASK_WORKFLOW_KIND } from '@tmcp-sessions/core/internal';
import type { TaskRecord, TaskRunner } from '@tmcp-sessions/tasks/backend';
import { env } from 'cloudflare:workers';

import { PACKAGE } from './package-name.ts';

/** The parameters of an instance. The call itself is in the store of the task. */
export interface TaskWorkflowParams {
	/** The name of the handler that runs the call. */
	readonly handler: string;
	/** The name of the task. */
	readonly task: string;
}

/** The type of the event that wakes an instance whose client has responded. */
export const RESPONDED = 'tmcp-responded';

/** Returns the binding, without resolving it. */
export function workflowBinding(binding: string | undefined): BindingRequirement {
	return { kind: TASK_WORKFLOW_KIND, binding: binding ?? TASK_WORKFLOW_KIND.defaultName, env };
}

/** The instances of the Workflow that runs calls, one for each task. */
export class WorkflowInstances implements TaskRunner {
	readonly #handler: string;
	readonly #binding: string;

	/** @param binding default: `TMCP_TASK_WORKFLOW`. */
	constructor(handler: string, binding: string = TASK_WORKFLOW_KIND.defaultName) {
		this.#handler = handler;
		this.#binding = binding;
	}

	/** @throws {BindingError} if the binding is missing. */
	async start({ name }: TaskRecord): Promise<void> {
		const workflow = this.#workflow();
		const params = { handler: this.#handler, task: name };
		await storeOperation(PACKAGE, 'creating a Workflow instance', () =>
			workflow.create({ id: idOf(name), params }),
		);
	}

	async wake({ name }: TaskRecord): Promise<string | undefined> {
		return this.#withInstance(name, async (instance) => {
			const problem = problemOf(await instance.status());
			if (problem === undefined) await instance.sendEvent({ type: RESPONDED, payload: {} });
			return problem;
		});
	}

	/** Ends an instance that is not in memory: `terminate` aborts no signal of a call that is. */
	async cancel(name: string): Promise<void> {
		await this.#withInstance(name, async (instance) => {
			const { status } = await instance.status();
			if (IDLE.has(status)) await instance.terminate();
			return undefined;
		});
	}

	async problem(name: string): Promise<string | undefined> {
		return this.#withInstance(name, async (instance) => problemOf(await instance.status()));
	}

	#workflow(): Workflow<TaskWorkflowParams> {
		return resolveBinding<Workflow<TaskWorkflowParams>>(TASK_WORKFLOW_KIND, this.#binding, env);
	}

	async #withInstance(
		task: string,
		use: (instance: WorkflowInstance) => Promise<string | undefined>,
	): Promise<string | undefined> {
		const workflow = this.#workflow();
		return storeOperation(PACKAGE, 'reaching a Workflow instance', async () => {
			try {
				return await use(await workflow.get(idOf(task)));
			} catch (error) {
				// Cloudflare deletes instances some days after they have ended.
				if (/instance\.not_found|not found/i.test(reasonOf(error))) {
					return 'its Workflow instance no longer exists';
				}
				throw error;
			}
		});
	}
}

/** `waiting`: it sleeps or waits for an event, and has left memory. */
const IDLE: ReadonlySet<string> = new Set(['paused', 'queued', 'waiting']);

function problemOf({ error, status }: InstanceStatus): string | undefined {
	if (status === 'errored') {
		return `its Workflow instance has failed: ${error?.message ?? 'without a message'}`;
	}
	return status === 'terminated' ? 'its Workflow instance was terminated' : undefined;
}

/** An id must not begin with a hyphen, which the name of a task may. */
function idOf(task: string): string {
	return `task-${task}`;
}
