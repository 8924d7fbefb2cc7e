import { sleep } from '@tmcp-sessions/core/backend';
import { StoredRun } from '@tmcp-sessions/tasks/backend';
import type { StoredRunDeps, StoredTaskHandler } from '@tmcp-sessions/tasks/backend';

import type { TaskMessages } from './task-messages.ts';

/** The platform ends a consumer after 15 minutes. */
export const MAX_RUN_SECONDS = 840;
/** A call that sleeps for less stays in memory: another message would take longer. */
const MIN_PARKED_MS = 5_000;

/** A handler, and how the consumer of a queue runs its calls. */
export interface QueueTaskHandler extends StoredTaskHandler {
	readonly messages: TaskMessages;
	/** How long a consumer runs a call before it hands it over. */
	readonly maxRunMs: number;
}

/** What a delivery depends on. */
export interface TaskDeliveryDeps extends Pick<StoredRunDeps, 'env' | 'platform'> {
	readonly handler: QueueTaskHandler;
}

/** Runs the call of a message until it has ended, or leaves memory while it waits. */
export class TaskMessageDelivery {
	readonly #deps: TaskDeliveryDeps;
	readonly #task: string;
	readonly #start: number;
	readonly #sleepers = new Set<number>();
	#isWaiting = false;
	#changed: PromiseWithResolvers<void> = Promise.withResolvers();

	/** @param start the number of the start of the call, which is delivered at least once. */
	constructor(deps: TaskDeliveryDeps, task: string, start: number) {
		this.#deps = deps;
		this.#task = task;
		this.#start = start;
	}

	/** @throws {StoreError} if the store or the queue could not be reached. The call has to start again. */
	async run(): Promise<void> {
		const { handler } = this.#deps;
		const deps: StoredRunDeps = {
			...this.#deps,
			now: Date.now,
			sleepUntil: (untilMs, signal) => this.#sleepUntil(untilMs, signal),
			onWaiting: (isWaiting) => {
				this.#isWaiting = isWaiting;
				this.#changed.resolve();
			},
		};
		const call = await StoredRun.claim(deps, this.#task, this.#start);
		if (!call) return;
		let hasEnded = false;
		const running = call.run().finally(() => {
			hasEnded = true;
			this.#changed.resolve();
		});
		const over = setTimeout(() => this.#handOver(call), handler.maxRunMs);
		try {
			while (!hasEnded) {
				await this.#changed.promise;
				this.#changed = Promise.withResolvers();
				// What the call does in the same turn may end its waiting.
				await sleep(0);
				if (!hasEnded && this.#canPark(call)) await this.#park(call);
			}
			await running;
		} finally {
			clearTimeout(over);
		}
	}
}
