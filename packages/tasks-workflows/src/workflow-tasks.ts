import { bindingsOf } from '@tmcp-sessions/core/backend';
import type { BindingRequirement, BindingUser } from '@tmcp-sessions/core/backend';
import type {
	ConnectedExtension,
	ExtensionHost,
	ServerExtension,
} from '@tmcp-sessions/http/internal';
import type { TasksOptions } from '@tmcp-sessions/tasks';
import { connectTasks, resolveTasks } from '@tmcp-sessions/tasks/backend';
import type { ResolvedTasks, TaskStore } from '@tmcp-sessions/tasks/backend';
import { DurableObjectTaskStore } from '@tmcp-sessions/tasks-durable-object';

import { configurationError, handlers } from './handlers.ts';
import { workflowBinding } from './workflow-instances.ts';
import { WorkflowTaskEngine } from './workflow-task-engine.ts';

const DEFAULT_NAME = 'default';
const DEFAULT_STEP_SECONDS = 600;
const MAX_STEP_SECONDS = 86_400;

/** Options of `WorkflowTasks`. */
export interface WorkflowTasksOptions extends TasksOptions {
	/** The name of the Workflow's binding. Default: `TMCP_TASK_WORKFLOW`. */
	readonly binding?: string | undefined;
	/** How long a step may run, from 1 to 86,400. Default: 600. */
	readonly stepSeconds?: number | undefined;
	/** Stores the tasks. Default: `new DurableObjectTaskStore()`. */
	readonly store?: TaskStore | undefined;
	/**
	 * Tells the handlers of one script apart. A running task needs the handler of its name: do not change
	 * it. Default: `default`.
	 */
	readonly name?: string | undefined;
}

/**
 * Runs tasks on Cloudflare Workflows, each in an instance of `TaskWorkflow`. They survive disconnects,
 * deployments and restarts. Create the handler at module scope: an instance has no request.
 */
export class WorkflowTasks implements ServerExtension, BindingUser {
	readonly #options: ResolvedTasks;
	readonly #binding: string | undefined;
	readonly #stepSeconds: number;
	readonly #store: TaskStore;
	readonly #name: string;

	/** @throws {TmcpSessionsError} `configuration` if a value is invalid. */
	constructor(options: WorkflowTasksOptions) {
		const { binding, name = DEFAULT_NAME, stepSeconds = DEFAULT_STEP_SECONDS, store } = options;
		if (!Number.isInteger(stepSeconds) || stepSeconds < 1 || stepSeconds > MAX_STEP_SECONDS) {
			throw configurationError(
				`stepSeconds must be an integer from 1 to ${MAX_STEP_SECONDS}; got ${stepSeconds}`,
			);
		}
		this.#options = resolveTasks(options);
		this.#binding = binding;
		this.#stepSeconds = stepSeconds;
		this.#store = store ?? new DurableObjectTaskStore();
		this.#name = name;
	}

	requiredBindings(): readonly BindingRequirement[] {
		return [workflowBinding(this.#binding), ...bindingsOf(this.#store)];
	}

	/** @throws {TmcpSessionsError} `configuration` if the server runs in session objects. */
	connect(host: ExtensionHost): ConnectedExtension {
		handlers.requireIsolate(host);
		const store = this.#store;
		const options = this.#options;
		const handler = { host, options, store, stepSeconds: this.#stepSeconds };
		handlers.register(this.#name, handler);
		const engine = new WorkflowTaskEngine({
			store,
			binding: this.#binding,
			handler: this.#name,
			report: (error) => host.report(error),
		});
		return connectTasks(host, options, { store, engine });
	}
}
