import type { BindingRequirement, BindingUser } from '@tmcp-sessions/core/backend';
import type {
	ConnectedExtension,
	ExtensionHost,
	ServerExtension,
} from '@tmcp-sessions/http/internal';
import type { TasksOptions } from '@tmcp-sessions/tasks';
import { connectTasks, resolveTasks } from '@tmcp-sessions/tasks/backend';
import type { ResolvedTasks, TaskHandler } from '@tmcp-sessions/tasks/backend';
import { env } from 'cloudflare:workers';

import { taskBindings } from '../binding.ts';
import { handlers } from '../handlers.ts';
import { Executions } from '../run/executions.ts';
import { DurableObjectTaskEngine } from './object-engine.ts';
import { DurableObjectTaskStore } from './object-task-store.ts';
import type { TaskPlacement } from './object-task-store.ts';

const DEFAULT_NAME = 'default';

/** Options of `DurableObjectTasks`. */
export interface DurableObjectTasksOptions extends TasksOptions, TaskPlacement {
	/**
	 * Tells the handlers of one script apart. A running task needs the handler of its name: do not change
	 * it. Default: `default`.
	 */
	readonly name?: string | undefined;
}

/**
 * Runs tasks in Durable Objects of the class `TaskObject`, one for each task. They survive disconnects,
 * deployments and restarts. Create the handler at module scope: an object that its alarm wakes has no
 * request.
 */
export class DurableObjectTasks implements ServerExtension, BindingUser {
	readonly #options: ResolvedTasks;
	readonly #placement: TaskPlacement;
	readonly #name: string;

	/** @throws {TmcpSessionsError} `configuration` if a value is invalid. */
	constructor(options: DurableObjectTasksOptions) {
		const { binding, jurisdiction, name = DEFAULT_NAME, onError, resultBucket } = options;
		this.#options = resolveTasks(options);
		this.#placement = { binding, jurisdiction, onError, resultBucket };
		this.#name = name;
	}

	requiredBindings(): readonly BindingRequirement[] {
		return taskBindings(this.#placement.binding, this.#placement.resultBucket);
	}

	connect(host: ExtensionHost): ConnectedExtension {
		const { place } = host;
		const store = new DurableObjectTaskStore(this.#placement);
		const object = place?.kind === 'object' ? place.id : undefined;
		const engine = new DurableObjectTaskEngine(store, this.#name, object);
		const connected = connectTasks(host, this.#options, { store, engine });
		if (place?.kind === 'routed') return connected;
		const handler: TaskHandler = { host, options: this.#options };
		if (object === undefined) {
			handlers.register(this.#name, handler);
			return connected;
		}
		const executions = new Executions({
			handler: () => handler,
			store,
			env,
			now: Date.now,
			onJournal: () => {},
			// The object of the task keeps the call alive: it awaits it.
			platform: { waitUntil: () => {} },
		});
		return { ...connected, receive: (message) => executions.receive(message) };
	}
}
