import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { ExtensionHost } from '@tmcp-sessions/http/internal';
import type { ResolvedTasks } from '@tmcp-sessions/tasks/backend';

import { PACKAGE } from './package-name.ts';

/** The handler that runs the calls of tasks. */
export interface TaskHandler {
	readonly host: ExtensionHost;
	readonly options: ResolvedTasks;
}

/**
 * The handlers of this isolate by their names. An object that its alarm wakes in a new isolate has no
 * request that would bring its handler: it finds the handler that the script has created at module scope.
 */
const handlers = new Map<string, TaskHandler>();

/** @throws {TmcpSessionsError} `configuration` if another handler has the name. */
export function registerHandler(name: string, handler: TaskHandler): void {
	if (handlers.has(name)) {
		throw configurationError(
			`two handlers of this script have tasks named ${JSON.stringify(name)}. Give each ` +
				'DurableObjectTasks its own name, and call createMcpHandler once at the top level of the script, ' +
				'not in fetch',
		);
	}
	handlers.set(name, handler);
}

/** @throws {TmcpSessionsError} `configuration` if the script has no handler of this name. */
export function handlerOf(name: string): TaskHandler {
	const handler = handlers.get(name);
	if (handler) return handler;
	throw configurationError(missingHandler(name) ?? '');
}

/** Returns what to do if the script has no handler of this name; `undefined` if it has one. */
export function missingHandler(name: string): string | undefined {
	if (handlers.has(name)) return undefined;
	const found = [...handlers.keys()].map((key) => JSON.stringify(key)).join(', ') || 'none';
	return (
		`the script that exports TaskObject needs a handler with tasks named ${JSON.stringify(name)}, to run ` +
		`their calls; found ${found}. Call createMcpHandler with DurableObjectTasks at the top level of ` +
		'this script, not in fetch'
	);
}

/** Creates the error for a mistake of the deployment. */
export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
