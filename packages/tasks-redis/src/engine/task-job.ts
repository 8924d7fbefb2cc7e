import { reasonOf, sleep } from '@tmcp-sessions/core/backend';
import type { ExtensionHost } from '@tmcp-sessions/http/internal';
import { failTask, hasEnded, restartProblem, TaskRun } from '@tmcp-sessions/tasks/backend';
import type { ResolvedTasks, TaskRecord } from '@tmcp-sessions/tasks/backend';

import type { RedisTaskStore } from '../store/redis-task-store.ts';
import { LeasedTaskStore, RUN_RETRY_MS } from './leased-task-store.ts';
import { answeredInputs } from './run-states.ts';
import type { ClaimedCall, RunStates } from './run-states.ts';

/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** A call that sleeps for less stays in memory: another start would take longer. */
const MIN_PARKED_MS = 1_000;

/** What a job depends on. */
export interface TaskJobDeps {
	readonly host: ExtensionHost;
	readonly options: ResolvedTasks;
	readonly store: RedisTaskStore;
	readonly states: RunStates;
}

/** Runs the call of a task until it has ended, or leaves memory while it waits. */
export class TaskJob {
	readonly #deps: TaskJobDeps;
	readonly #lease: string;
	readonly #claimed: ClaimedCall;
	readonly #leased: LeasedTaskStore;
	readonly #sleepers = new Map<symbol, number>();
	readonly #timers = new Set<ReturnType<typeof setTimeout>>();
	#run: TaskRun | undefined;
	/** The last change that came before the call has started. */
	#latest: TaskRecord | undefined;
	#isWaiting = false;
	#hasEnded = false;
	#isReleased = false;
	/** Whether the call may leave memory while it waits. */
	#mayStartAgain = false;
	/** How many responses the call has. */
	#answered: number;
	#changed: PromiseWithResolvers<void> = Promise.withResolvers();

	constructor(deps: TaskJobDeps, lease: string, claimed: ClaimedCall) {
		this.#deps = deps;
		this.#lease = lease;
		this.#claimed = claimed;
		this.#answered = answeredInputs(claimed.record);
		this.#leased = new LeasedTaskStore(deps.store, lease, () => {
			this.#run?.cancel('the call was cut off, and may continue in another process');
			this.#signal();
		});
	}

	/**
	 * Runs the call.
	 *
	 * @returns the time at which it continues; `undefined` if it has ended or waits for the client.
	 * @throws {StoreError} if Redis could not be reached. The call starts again.
	 */
	async run(): Promise<number | undefined> {
		const { expiresAtMs, name, revision } = this.#claimed.record;
		const problem = await this.#problem();
		if (problem !== undefined) {
			await failTask(this.#leased, name, problem);
			return undefined;
		}
		const run = this.#createRun();
		this.#run = run;
		this.#setTimer(expiresAtMs, () => run.cancel('the task has expired'));
		try {
			const ended = (): void => {
				this.#hasEnded = true;
				this.#signal();
			};
			run.run().then(ended, ended);
			const latest = this.#latest;
			if (latest && latest.revision > revision) this.observe(latest);
			return await this.#untilDone(run, name);
		} finally {
			for (const timer of this.#timers) clearTimeout(timer);
		}
	}

	/** Takes a change of the task: a cancellation, or responses of the client. */
	observe(record: TaskRecord): void {
		if (!this.#run) {
			this.#latest = record;
			return;
		}
		if (hasEnded(record)) {
			if (record.status === 'cancelled') this.#run.cancel();
			return;
		}
		this.#answered = Math.max(this.#answered, answeredInputs(record));
		this.#run.deliver(record);
	}

	/** Stops a run whose job another process has taken over. */
	lose(): void {
		this.#leased.lose();
	}

	/** Stops the call, so that another process continues it. */
	release(): void {
		this.#isReleased = true;
		this.#signal();
	}

	/**
	 * Stops the call at a time limit, so that it continues in another run. Its next start counts as a restart
	 * after an interruption, unless the call has stored the result of a step in this run.
	 */
	interrupt(): void {
		if (this.#leased.hasProgress) this.release();
		else this.lose();
	}

	/** Returns why the call must not start; `undefined` if it may. */
	async #problem(): Promise<string | undefined> {
		const { call, isNew, record } = this.#claimed;
		const { principal, tool } = record;
		const { options } = this.#deps;
		try {
			const policy = options.policyOf({ tool, arguments: call.arguments ?? {}, principal });
			this.#mayStartAgain = policy?.onInterrupt !== 'fail';
			return isNew ? undefined : await restartProblem(this.#deps, this.#claimed);
		} catch (error) {
			return `The task failed: ${reasonOf(error)}`;
		}
	}

	#createRun(): TaskRun {
		const { host, options, store } = this.#deps;
		const { call, record, starts, steps } = this.#claimed;
		const { now } = store.database;
		return new TaskRun({
			host,
			call,
			steps,
			now,
			platform: undefined,
			record: { ...record, attempts: starts },
			store: this.#leased,
			createCustom: (saved) => options.context?.(saved, undefined),
			sleepUntil: (untilMs, signal) => this.#sleepUntil(untilMs, signal),
			...(!this.#claimed.usesJournal && {
				onJournal: () => this.#leased.markJournal(record.name),
			}),
			onWaiting: (isWaiting) => {
				this.#isWaiting = isWaiting;
				this.#signal();
			},
		});
	}

	async #untilDone(run: TaskRun, name: string): Promise<number | undefined> {
		for (;;) {
			await this.#changed.promise;
			this.#changed = Promise.withResolvers();
			if (this.#hasEnded) {
				if (this.#leased.failure) throw this.#leased.failure;
				return undefined;
			}
			if (this.#isReleased) return this.#handOver(run, name);
			if (!this.#canPark(run)) continue;
			// What the call does in the same turn may end its waiting.
			await sleep(0);
			await run.flush();
			if (!this.#canPark(run) || this.#leased.isLost || this.#hasEnded) continue;
			const dueMs = this.#dueMs();
			const state = await this.#park(name, dueMs);
			if (state === 'parked') {
				run.abandon();
				return dueMs;
			}
			if (state === 'lost') this.#leased.lose();
			else await this.#catchUp(name);
		}
	}

	async #park(name: string, dueMs: number | undefined): Promise<'lost' | 'parked' | 'woken'> {
		const { states } = this.#deps;
		try {
			return await states.park(name, this.#lease, this.#answered, dueMs, RUN_RETRY_MS);
		} catch (error) {
			this.#leased.failure ??= error instanceof Error ? error : undefined;
			return 'lost';
		}
	}

	/** Hands the call the responses that it has not received. */
	async #catchUp(name: string): Promise<void> {
		const record = await this.#leased.read(name);
		if (record) this.observe(record);
		this.#signal();
	}

	async #handOver(run: TaskRun, name: string): Promise<number | undefined> {
		await run.flush();
		const isHeld = await this.#deps.states.release(name, this.#lease);
		this.#leased.lose();
		return isHeld ? this.#deps.store.database.now() : undefined;
	}

	/** Whether the call waits for nothing but the client or a time, and can start again. */
	#canPark(run: TaskRun): boolean {
		if (!this.#isWaiting || !this.#mayStartAgain || !run.canLeave) return false;
		const dueMs = this.#dueMs();
		return dueMs === undefined || dueMs - this.#deps.store.database.now() >= MIN_PARKED_MS;
	}

	/** Returns when the first sleep ends. */
	#dueMs(): number | undefined {
		return this.#sleepers.size > 0 ? Math.min(...this.#sleepers.values()) : undefined;
	}

	#sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
		const sleeper = Symbol('sleeper');
		this.#sleepers.set(sleeper, untilMs);
		const { promise, resolve } = Promise.withResolvers<void>();
		const wake = (): void => {
			this.#sleepers.delete(sleeper);
			resolve();
		};
		signal.addEventListener('abort', wake, { once: true });
		this.#setTimer(untilMs, wake);
		return promise;
	}

	#setTimer(atMs: number, callback: () => void): void {
		const remainingMs = atMs - this.#deps.store.database.now();
		const timer = setTimeout(
			() => {
				this.#timers.delete(timer);
				if (remainingMs <= MAX_TIMER_MS) callback();
				else this.#setTimer(atMs, callback);
			},
			Math.min(remainingMs, MAX_TIMER_MS),
		);
		this.#timers.add(timer);
	}

	#signal(): void {
		this.#changed.resolve();
	}
}
