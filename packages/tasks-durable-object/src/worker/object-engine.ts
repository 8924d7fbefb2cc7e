import { storeOperation } from '@tmcp-sessions/core/backend';
import type { JsonObject } from '@tmcp-sessions/http/internal';
import type {
	TaskDelivery,
	TaskEngine,
	TaskEngineCapabilities,
	TaskStart,
	TaskStarted,
} from '@tmcp-sessions/tasks/backend';

import { PACKAGE } from '../package-name.ts';
import type { DurableObjectTaskStore } from './object-task-store.ts';

/** Runs each task in the object that stores it. */
export class DurableObjectTaskEngine implements TaskEngine {
	readonly capabilities: TaskEngineCapabilities = {
		// An alarm may run for 15 minutes.
		maxRunSeconds: 840,
		survivesDeploy: true,
		steps: true,
	};
	readonly #store: DurableObjectTaskStore;
	readonly #handler: string;

	/** @param handler the name of the handler that runs the calls. */
	constructor(store: DurableObjectTaskStore, handler: string) {
		this.#store = store;
		this.#handler = handler;
	}

	start({ limits, ...start }: TaskStart): Promise<TaskStarted> {
		return storeOperation(PACKAGE, 'starting a task', async () => {
			const { record } = start;
			const limit = await this.#store.reserve(record, limits);
			if (limit) return { limit };
			const object = this.#store.objectOf(record.name);
			const started: unknown = await object.start({ ...start, handler: this.#handler });
			return started as TaskStarted; // Safe because the object returns this, which is JSON.
		});
	}

	deliver(name: string, responses: JsonObject): Promise<TaskDelivery> {
		return storeOperation(PACKAGE, 'delivering a response', () =>
			this.#store.objectOf(name).deliver({ ...responses }),
		);
	}

	cancel(name: string): Promise<boolean> {
		return storeOperation(PACKAGE, 'cancelling a task', () => this.#store.objectOf(name).cancel());
	}
}
