import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { ExtensionHost } from '@tmcp-sessions/http/internal';

import type { ResolvedTasks } from '../resolve-options.ts';

/** The handler that runs the calls of tasks. */
export interface TaskHandler {
	readonly host: ExtensionHost;
	readonly options: ResolvedTasks;
}

/** How errors about handlers name the parts of a package. */
export interface HandlerNames {
	/** The folder name of the package. */
	readonly packageName: string;
	/** The class that users create. */
	readonly className: string;
	/** What runs the calls, such as `the script that exports TaskObject`. */
	readonly runner: string;
}

/**
 * The handlers of an isolate by their names. What runs a call in a new isolate has no request that would
 * bring its handler: it finds the handler that the script has created at module scope.
 */
export class TaskHandlers<Handler extends TaskHandler = TaskHandler> {
	readonly #names: HandlerNames;
	readonly #handlers = new Map<string, Handler>();

	constructor(names: HandlerNames) {
		this.#names = names;
	}

	/** @throws {TmcpSessionsError} `configuration` if another handler has the name. */
	register(name: string, handler: Handler): void {
		if (this.#handlers.has(name)) {
			throw this.#error(
				`two handlers of this script have tasks named ${JSON.stringify(name)}. Give each ` +
					`${this.#names.className} its own name, and call createMcpHandler once at the top level of the ` +
					'script, not in fetch',
			);
		}
		this.#handlers.set(name, handler);
	}

	/** @throws {TmcpSessionsError} `configuration` if the server of a handler runs in session objects. */
	requireIsolate({ place }: Pick<ExtensionHost, 'place'>): void {
		if (!place || place.kind === 'isolate') return;
		throw this.#error(
			`${this.#names.className} run in the isolate of a handler, and this server runs in session ` +
				'objects; use DurableObjectTasks',
		);
	}

	/** @throws {TmcpSessionsError} `configuration` if the script has no handler of this name. */
	of(name: string): Handler {
		const handler = this.#handlers.get(name);
		if (handler) return handler;
		throw this.#error(this.missing(name) ?? '');
	}

	/** Returns what to do if the script has no handler of this name; `undefined` if it has one. */
	missing(name: string): string | undefined {
		if (this.#handlers.has(name)) return undefined;
		const { className, runner } = this.#names;
		const found = [...this.#handlers.keys()].map((key) => JSON.stringify(key)).join(', ') || 'none';
		return (
			`${runner} needs a handler with tasks named ${JSON.stringify(name)}, to run their calls; found ` +
			`${found}. Call createMcpHandler with ${className} at the top level of this script, not in fetch`
		);
	}

	#error(message: string): TmcpSessionsError {
		return new TmcpSessionsError('configuration', this.#names.packageName, message);
	}
}
