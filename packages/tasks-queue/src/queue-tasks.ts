import { bindingsOf, createReporter } from '@tmcp-sessions/core/backend';
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

import { receiveMessage } from './consumer.ts';
import { configurationError, handlers } from './handlers.ts';
import { MAX_RUN_SECONDS, QueueTaskEngine } from './queue-task-engine.ts';
import { queueBinding, TaskMessages } from './task-messages.ts';

const DEFAULT_NAME = 'default';
const DEFAULT_DEAD_LETTERS = 'tmcp-tasks-dead';

/** Options of `QueueTasks`. */
export interface QueueTasksOptions extends TasksOptions {
	/** The name of the queue's binding. Default: `TMCP_TASK_QUEUE`. */
	readonly binding?: string | undefined;
	/** The queue with the messages that have failed. Default: `tmcp-tasks-dead`. */
	readonly deadLetterQueue?: string | undefined;
	/**
	 * How long a consumer runs a call before it is cut off and continues in another one, from 1 to 840.
	 * Default: 840, since Cloudflare ends a consumer after 15 minutes.
	 */
	readonly maxRunSeconds?: number | undefined;
	/** Stores the tasks. Default: `new DurableObjectTaskStore()`. */
	readonly store?: TaskStore | undefined;
	/**
	 * Tells the handlers of one script apart. A running task needs the handler of its name: do not change
	 * it. Default: `default`.
	 */
	readonly name?: string | undefined;
}

/**
 * Runs tasks on Cloudflare Queues, each call in a consumer. They survive disconnects, deployments and
 * restarts. Create the handler at module scope, and export `queue` beside its `fetch`:
 *
 *     const tasks = new QueueTasks({ tools });
 *     const { fetch } = createMcpHandler(server, { tasks });
 *     export default { fetch, queue: tasks.queue };
 */
export class QueueTasks implements ServerExtension, BindingUser {
	readonly #options: ResolvedTasks;
	readonly #binding: string | undefined;
	readonly #deadLetterQueue: string;
	readonly #maxRunMs: number;
	readonly #store: TaskStore;
	readonly #name: string;
	#report: (error: unknown) => void = createReporter(undefined);

	/** @throws {TmcpSessionsError} `configuration` if a value is invalid. */
	constructor(options: QueueTasksOptions) {
		const { binding, deadLetterQueue, maxRunSeconds = MAX_RUN_SECONDS, name, store } = options;
		if (!Number.isInteger(maxRunSeconds) || maxRunSeconds < 1 || maxRunSeconds > MAX_RUN_SECONDS) {
			throw configurationError(
				`maxRunSeconds must be an integer from 1 to ${MAX_RUN_SECONDS}; got ${maxRunSeconds}`,
			);
		}
		this.#options = resolveTasks(options);
		this.#binding = binding;
		this.#deadLetterQueue = deadLetterQueue ?? DEFAULT_DEAD_LETTERS;
		this.#maxRunMs = maxRunSeconds * 1000;
		this.#store = store ?? new DurableObjectTaskStore();
		this.#name = name ?? DEFAULT_NAME;
	}

	/**
	 * Receives messages: the `queue` handler of the Worker, for the queue of tasks and its dead letters. A
	 * message that is not of tasks is reported and acknowledged.
	 */
	readonly queue = async (
		batch: MessageBatch,
		env: unknown,
		platform: ExecutionContext,
	): Promise<void> => {
		const isDead = batch.queue === this.#deadLetterQueue;
		const report = this.#report;
		const received = batch.messages.map((message) =>
			receiveMessage(message, { env, isDead, platform, queue: batch.queue, report }),
		);
		await Promise.all(received);
	};

	requiredBindings(): readonly BindingRequirement[] {
		return [queueBinding(this.#binding), ...bindingsOf(this.#store)];
	}

	/** @throws {TmcpSessionsError} `configuration` if the server runs in session objects. */
	connect(host: ExtensionHost): ConnectedExtension {
		handlers.requireIsolate(host);
		const store = this.#store;
		const options = this.#options;
		const messages = new TaskMessages(this.#name, this.#binding);
		this.#report = (error) => host.report(error);
		handlers.register(this.#name, { host, options, store, messages, maxRunMs: this.#maxRunMs });
		const engine = new QueueTaskEngine({ store, messages, report: this.#report });
		return connectTasks(host, options, { store, engine });
	}
}
