import type { ConnectedExtension, ExtensionHost } from '@tmcp-sessions/http/internal';

import type { ResolvedTasks } from './resolve-options.ts';
import { MAX_OBSERVED, TaskServer } from './protocol/task-server.ts';
import { SessionTasks } from './protocol/session-tasks.ts';
import { TaskService } from './protocol/task-service.ts';
import { TaskSubscriptions } from './protocol/task-subscriptions.ts';
import { configurationError } from './task-error.ts';
import type { TaskEngine } from './task/task-engine.ts';
import type { TaskStore } from './task/task-store.ts';

/** The backend of tasks. */
export interface TaskBackend {
	readonly store: TaskStore;
	readonly engine: TaskEngine;
	/** Returns the time in milliseconds since the epoch. Default: the clock. */
	readonly now?: (() => number) | undefined;
}

/**
 * Serves tasks of a backend in a handler.
 *
 * @throws {TmcpSessionsError} `configuration` if the store is eventually consistent, or the tasks cannot
 * rebuild the handler's `context`.
 */
export function connectTasks(
	host: ExtensionHost,
	options: ResolvedTasks,
	{ engine, now = Date.now, store }: TaskBackend,
): ConnectedExtension {
	if (store.capabilities.consistency === 'eventual') {
		throw configurationError(
			'tasks need a store whose writes every isolate sees at once: a client may poll another isolate ' +
				'right after its call; got an eventually consistent one. Use DurableObjectTasks',
		);
	}
	if (host.hasContext && !options.context) {
		throw configurationError(
			'the handler has the option context, and tasks have none: a task runs without a request. Set ' +
				'tasks.context to rebuild it from what tasks.saveContext returned',
		);
	}
	const service = new TaskService({ host, store, engine, options, now });
	const subscriptions = new TaskSubscriptions(store, (error) => host.report(error));
	const sessionTasks = new SessionTasks({ host, service, options, now });
	return {
		wrapServer: (server) =>
			new TaskServer({ host, server, service, subscriptions, options, sessionTasks }),
		takeResponse: (context, response) => sessionTasks.takeResponse(context, response),
		wrapSubscriptions: (manager) => subscriptions.wrap(manager),
		async honoredSubset(principal, { taskIds }) {
			if (!Array.isArray(taskIds)) return {};
			// The handler that holds the stream rejects more.
			const ids = taskIds.slice(0, MAX_OBSERVED + 1);
			return { taskIds: await service.observed({ principal }, ids) };
		},
	};
}
