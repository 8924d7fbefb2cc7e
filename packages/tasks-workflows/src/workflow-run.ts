import { reasonOf, sleep } from '@tmcp-sessions/core/backend';
import { DEFAULT_MAX_ATTEMPTS, retryDelayMs, StoredRun } from '@tmcp-sessions/tasks/backend';
import type { StoredRunDeps } from '@tmcp-sessions/tasks/backend';
import type { WorkflowStep, WorkflowStepConfig } from 'cloudflare:workers';

import { configurationError } from './handlers.ts';
import type { WorkflowTaskHandler } from './handlers.ts';
import { RESPONDED } from './workflow-instances.ts';

/** Cloudflare stores at most 1 MiB for a step, with what its serialization adds. */
const MAX_STEP_BYTES = 1_000_000;
/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const TIMED_OUT = /timed out after \d+ ?ms/;

/** The steps of an instance. Their types ask for more than JSON, which a run passes. */
export interface InstanceSteps extends Pick<WorkflowStep, 'sleep' | 'sleepUntil' | 'waitForEvent'> {
	do<Result>(
		name: string,
		config: WorkflowStepConfig,
		callback: () => Promise<Result>,
	): Promise<Result>;
}

/** What the run of an instance depends on. */
export interface WorkflowRunDeps extends Pick<StoredRunDeps, 'env' | 'platform'> {
	readonly handler: WorkflowTaskHandler;
	readonly step: InstanceSteps;
}

/**
 * Runs the call of a task in an instance. Workflows may leave memory while the call sleeps or waits for the
 * client, and then runs the instance again from the top: the call gets its stored steps and responses.
 */
export class WorkflowRun {
	readonly #deps: WorkflowRunDeps;
	readonly #task: string;
	/** Rejects when Workflows ends the instance. */
	readonly #aborted: PromiseWithResolvers<never> = Promise.withResolvers();
	#isAborted = false;
	#call: StoredRun | undefined;
	#events = 0;
	#checks = 0;
	#awaitsEvent = false;

	constructor(deps: WorkflowRunDeps, task: string) {
		this.#deps = deps;
		this.#task = task;
		// The call may have ended by then.
		this.#aborted.promise.catch(() => {});
	}

	/** Resolves when the call has ended. Starts it again if the store of the task could not be reached. */
	async run(): Promise<void> {
		const { handler, step } = this.#deps;
		for (let failures = 1; ; failures++) {
			try {
				await Promise.race([this.#start(), this.#aborted.promise]);
				return;
			} catch (error) {
				if (this.#isAborted || failures >= DEFAULT_MAX_ATTEMPTS) throw error;
				handler.host.report(error);
				await step.sleep(`retry ${failures}`, retryDelayMs(failures));
			}
		}
	}

	async #start(): Promise<void> {
		this.#call = await StoredRun.claim(
			{
				...this.#deps,
				now: Date.now,
				maxStepBytes: MAX_STEP_BYTES,
				runStep: (name, run) => this.#runStep(name, run),
				sleepUntil: (untilMs, signal) => this.#sleepUntil(untilMs, signal),
				onWaiting: (isWaiting) => {
					if (isWaiting) this.#awaitClient().catch((error: unknown) => this.#abort(error));
				},
			},
			this.#task,
		);
		await this.#call?.run();
	}

	async #runStep<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
		const { handler, step } = this.#deps;
		const config = {
			retries: { limit: 0, delay: 0 },
			timeout: handler.stepSeconds * 1000,
		};
		let failure: { readonly error: unknown } | undefined;
		const callback = async (): Promise<Result> => {
			try {
				return await run();
			} catch (error) {
				failure = { error };
				throw error;
			}
		};
		try {
			return await step.do(name, config, callback);
		} catch (error) {
			// Workflows does not preserve the class of an error.
			if (failure) throw failure.error;
			if (!TIMED_OUT.test(reasonOf(error))) {
				await this.#requireInstance();
				throw error;
			}
			throw configurationError(
				`the step ${JSON.stringify(name)} took longer than ${handler.stepSeconds} s; split it, or set ` +
					'stepSeconds of WorkflowTasks',
			);
		}
	}

	async #sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
		const { promise: aborted, resolve } = Promise.withResolvers<void>();
		signal.addEventListener('abort', () => resolve(), { once: true });
		const { step } = this.#deps;
		// An instance must not start again if `onInterrupt` forbids it.
		const sleeping = this.#call?.mayLeave
			? this.#untilOver(untilMs, (date) => step.sleepUntil(`until ${date.toISOString()}`, date))
			: this.#untilOver(untilMs, (date) =>
					sleep(Math.min(date.getTime() - Date.now(), MAX_TIMER_MS)),
				);
		await Promise.race([sleeping, aborted]);
	}

	async #untilOver(untilMs: number, wait: (date: Date) => Promise<void>): Promise<void> {
		while (untilMs > Date.now()) {
			try {
				await wait(new Date(untilMs));
			} catch (error) {
				// The time has come meanwhile.
				if (untilMs > Date.now()) await this.#abort(error);
			}
		}
	}

	/** Waits for an event that wakes this instance, even if it has left memory meanwhile. */
	async #awaitClient(): Promise<void> {
		if (this.#awaitsEvent) return;
		this.#awaitsEvent = true;
		try {
			// What the call does in the same turn may end its waiting.
			await sleep(0);
			while (this.#call?.awaitsClient && this.#call.canLeave) {
				await this.#call.markResumable();
				this.#events += 1;
				await this.#deps.step.waitForEvent(`response ${this.#events}`, {
					type: RESPONDED,
					timeout: '30 days', // No task is kept for longer.
				});
				await this.#call.refresh();
			}
		} finally {
			this.#awaitsEvent = false;
		}
	}

	/** Tells a step that has failed from an instance that has ended: then this run ends too. */
	async #requireInstance(): Promise<void> {
		this.#checks += 1;
		try {
			await this.#deps.step.do(`check ${this.#checks}`, {}, async () => {});
		} catch (error) {
			await this.#abort(error);
		}
	}

	/** Ends this run, which continues elsewhere or was ended, without an effect on the task. Never settles. */
	#abort(error: unknown): Promise<never> {
		this.#isAborted = true;
		this.#call?.stop('its Workflow instance has left memory or has ended');
		this.#aborted.reject(error);
		return new Promise<never>(() => {});
	}
}
