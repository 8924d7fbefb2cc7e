import { storeOperation } from '@tmcp-sessions/core/backend';
import type { JsonObject } from '@tmcp-sessions/http/internal';
import type {
	TaskDelivery,
	TaskEngine,
	TaskEngineCapabilities,
	TaskStart,
	TaskStarted,
} from '@tmcp-sessions/tasks/backend';

import { configurationError } from '../handlers.ts';
import { PACKAGE } from '../package-name.ts';
import type { CallTarget, ObjectStarted } from '../wire.ts';
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
	readonly #target: CallTarget;

	/**
	 * @param handler the name of the handler that runs the calls.
	 * @param object the id of the object of a session that has this handler.
	 */
	constructor(store: DurableObjectTaskStore, handler: string, object?: string) {
		this.#store = store;
		this.#target = { handler, object };
	}

	async start({ limits, ...start }: TaskStart): Promise<TaskStarted> {
		const outcome = await storeOperation(PACKAGE, 'starting a task', async () => {
			const { record } = start;
			const limit = await this.#store.reserve(record, limits);
			if (limit) return { limit } satisfies TaskStarted;
			const object = this.#store.objectOf(record.name);
			const bucket = this.#store.resultBucket;
			const started: unknown = await object.start({ ...start, ...this.#target, bucket });
			// Safe because the object returns this, which is JSON.
			return started as ObjectStarted;
		});
		if ('mistake' in outcome) throw configurationError(outcome.mistake);
		return outcome;
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
