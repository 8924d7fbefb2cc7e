import { sleep } from '@tmcp-sessions/core/backend';
import { StoredRun } from '@tmcp-sessions/tasks/backend';
import type { StoredRunDeps } from '@tmcp-sessions/tasks/backend';

import type { QueueTaskHandler } from './handlers.ts';

/** A call that sleeps for less stays in memory: another message would take longer. */
const MIN_PARKED_MS = 5_000;
/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a delivery depends on. */
export interface TaskDeliveryDeps extends Pick<StoredRunDeps, 'env' | 'platform'> {
	readonly handler: QueueTaskHandler;
}

/**
 * Runs the call of a message until it has ended. A call that waits leaves memory, and a call that takes too
 * long for one consumer is cut off: another message has it continue from its stored results.
 */
export class TaskDelivery {
	readonly #deps: TaskDeliveryDeps;
	readonly #task: string;
	readonly #start: number;
	/** The sleeps of the call, by when they end. */
	readonly #sleeps = new Set<{ readonly untilMs: number }>();
	#isWaiting = false;
	#hasEnded = false;
	#isCutOff = false;
	#changed: PromiseWithResolvers<void> = Promise.withResolvers();

	/** @param start the number of the start of the call. A message may be delivered more than once. */
	constructor(deps: TaskDeliveryDeps, task: string, start: number) {
		this.#deps = deps;
		this.#task = task;
		this.#start = start;
	}

	/** @throws {StoreError} if the store or the queue could not be reached. The call has to start again. */
	async run(): Promise<void> {
		const { maxRunMs } = this.#deps.handler;
		const call = await StoredRun.claim(
			{
				...this.#deps,
				now: Date.now,
				sleepUntil: (untilMs, signal) => this.#sleepUntil(untilMs, signal),
				onWaiting: (isWaiting) => {
					this.#isWaiting = isWaiting;
					this.#changed.resolve();
				},
			},
			this.#task,
			this.#start,
		);
		if (!call) return;
		const timer = setTimeout(() => this.#cutOff(call), maxRunMs);
		try {
			await this.#runUntilParked(call);
		} finally {
			clearTimeout(timer);
		}
	}

	async #runUntilParked(call: StoredRun): Promise<void> {
		const running = call.run().finally(() => {
			this.#hasEnded = true;
			this.#changed.resolve();
		});
		// Handled below, after a turn.
		running.catch(() => {});
		let isParked = false;
		while (!this.#hasEnded && !isParked) {
			await this.#changed.promise;
			this.#changed = Promise.withResolvers();
			// What the call does in the same turn may end its waiting.
			await sleep(0);
			isParked = !this.#hasEnded && this.#canPark(call) && (await call.park());
		}
		await running;
		if (isParked) await this.#continueAfterSleep();
		else if (this.#isCutOff) await this.#continueAt(Date.now());
	}

	#canPark(call: StoredRun): boolean {
		const minMs = Date.now() + MIN_PARKED_MS;
		const sleepsLong = [...this.#sleeps].every(({ untilMs }) => untilMs >= minMs);
		return this.#isWaiting && sleepsLong && call.canLeave;
	}

	/** Has a parked call continue when its first sleep is over. The response of a client wakes it too. */
	async #continueAfterSleep(): Promise<void> {
		if (this.#sleeps.size === 0) return;
		await this.#continueAt(Math.min(...[...this.#sleeps].map(({ untilMs }) => untilMs)));
	}

	#continueAt(notBeforeMs: number): Promise<void> {
		const { messages } = this.#deps.handler;
		return messages.send({ task: this.#task, start: this.#start + 1, notBeforeMs });
	}

	#cutOff(call: StoredRun): void {
		this.#isCutOff = true;
		call.stop('a consumer of the queue may not run for longer; the call continues in another one');
	}

	async #sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
		const sleeping = { untilMs };
		this.#sleeps.add(sleeping);
		const { promise: aborted, resolve } = Promise.withResolvers<void>();
		signal.addEventListener('abort', () => resolve(), { once: true });
		while (untilMs > Date.now() && !signal.aborted) {
			await Promise.race([sleep(Math.min(untilMs - Date.now(), MAX_TIMER_MS)), aborted]);
		}
		this.#sleeps.delete(sleeping);
	}
}
