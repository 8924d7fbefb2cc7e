import type {
	ConnectedExtension,
	ExtensionHost,
	ServerExtension,
} from '@tmcp-sessions/http/internal';

import { connectTasks } from '../connect-tasks.ts';
import type { TasksOptions } from '../options.ts';
import { resolveTasks } from '../resolve-options.ts';
import type { ResolvedTasks } from '../resolve-options.ts';
import { TaskRun } from '../run/task-run.ts';
import { InMemoryTaskStore } from './in-memory-task-store.ts';
import { InProcessEngine } from './in-process-engine.ts';

/** Options of `InMemoryTasks`. */
export interface InMemoryTasksOptions extends TasksOptions {
	/** Returns the time in milliseconds since the epoch. */
	readonly now?: (() => number) | undefined;
}

/** Runs tasks in the memory of one process, for development and tests. They end with the process. */
export class InMemoryTasks implements ServerExtension {
	readonly #options: ResolvedTasks;
	readonly #now: () => number;

	/** @throws {TmcpSessionsError} `configuration` if a value is invalid. */
	constructor(options: InMemoryTasksOptions) {
		this.#options = resolveTasks(options);
		this.#now = options.now ?? Date.now;
	}

	connect(host: ExtensionHost): ConnectedExtension {
		const now = this.#now;
		const { context } = this.#options;
		const store = new InMemoryTaskStore({ now });
		const createCustom = (saved: Parameters<NonNullable<typeof context>>[0]): unknown =>
			context?.(saved, undefined);
		const createRun = (
			deps: Omit<ConstructorParameters<typeof TaskRun>[0], 'createCustom' | 'host'>,
		): TaskRun => new TaskRun({ ...deps, host, createCustom });
		const engine = new InProcessEngine(store, createRun, now);
		return connectTasks(host, this.#options, { store, engine, now });
	}
}
