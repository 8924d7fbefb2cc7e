import { reasonOf } from '@tmcp-sessions/core/backend';
import { changeTask, hasEnded, isRepeatable, TaskRun } from '@tmcp-sessions/tasks/backend';
import type { TaskRecord, TaskStore } from '@tmcp-sessions/tasks/backend';

import { handlerOf } from '../handlers.ts';
import type { TaskHandler } from '../handlers.ts';
import type { LocalTaskStore } from './local-task-store.ts';
import type { RunState, TaskStorage } from './task-storage.ts';

/** The platform ends an alarm after 15 minutes. */
const MAX_ALARM_MS = 14 * 60_000;
/** The delay before the first restart of a call that was cut off. It doubles with each. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5 * 60_000;
const DEFAULT_MAX_ATTEMPTS = 5;
const INTERNAL_ERROR = -32603;

interface Sleeper {
	readonly untilMs: number;
	readonly wake: () => void;
}

/** What a runner depends on. */
export interface TaskRunnerDeps {
	readonly context: DurableObjectState;
	readonly store: LocalTaskStore;
	readonly storage: TaskStorage;
	readonly env: unknown;
	readonly now: () => number;
}

/**
 * Runs the call of an object's task, in its alarm: no connection of a client keeps it alive. A call that
 * waits for nothing but the client or a time lets the object leave memory, and starts again from its
 * stored steps and responses.
 */
export class TaskRunner {
	readonly #deps: TaskRunnerDeps;
	readonly #sleepers = new Set<Sleeper>();
	#run: TaskRun | undefined;
	#ended = Promise.withResolvers<void>();
	/** Resolves the alarm's wait when the call waits. */
	#onWaiting: (() => void) | undefined;
	#isWaiting = false;

	constructor(deps: TaskRunnerDeps) {
		this.#deps = deps;
	}

	/** @throws {TmcpSessionsError} `configuration` if this script does not have the handler. */
	requireHandler(name: string): void {
		handlerOf(name);
	}

	/** Has the alarm start the call of a task that was stored in the same turn. */
	async queue(handler: string): Promise<void> {
		const { context, now, storage } = this.#deps;
		storage.writeRun({
			...{
				handler,
				phase: 'queued',
				dueMs: now(),
				usesJournal: false,
				starts: 0,
				interruptions: 0,
			},
		});
		await context.storage.setAlarm(now());
	}

	/** Resolves when the task has ended, or the time is over. */
	async endedWithin(ms: number): Promise<void> {
		if (!this.#deps.store.live || hasEnded(this.#deps.store.live)) return;
		await within(ms, this.#ended.promise);
	}

	/** Goes on with a call whose client has responded. */
	async deliver(record: TaskRecord): Promise<void> {
		const { context, now, storage } = this.#deps;
		this.#run?.deliver(record);
		const run = storage.readRun();
		if (!run || run.phase === 'running') return;
		storage.writeRun({ ...run, dueMs: now() });
		await context.storage.setAlarm(now());
	}

	/** Stops the call of a task that has ended. */
	async cancel(): Promise<void> {
		const { context, store } = this.#deps;
		this.#run?.cancel();
		this.#end();
		const record = store.stored;
		if (record) await context.storage.setAlarm(record.expiresAtMs);
	}

	/** Handles the alarm of a task that has not expired. */
	async run(record: TaskRecord): Promise<void> {
		const { context, now, storage, store } = this.#deps;
		const state = storage.readRun();
		if (!state || hasEnded(record)) {
			await context.storage.setAlarm(record.expiresAtMs);
			return;
		}
		if (state.dueMs !== null && state.dueMs > now() && !this.#run) {
			await context.storage.setAlarm(Math.min(state.dueMs, record.expiresAtMs));
			return;
		}
		await this.#start(record, state);
		const running = store.live;
		if (!running || hasEnded(running)) {
			await context.storage.setAlarm(record.expiresAtMs);
			return;
		}
		this.#wakeSleepers();
		await this.#untilWaiting();
		await this.#schedule();
	}

	/** Starts the call, unless this instance runs it. */
	async #start(record: TaskRecord, state: RunState): Promise<void> {
		const { context, now, storage } = this.#deps;
		const interruptions = state.interruptions + (state.phase === 'running' && !this.#run ? 1 : 0);
		// If the object is lost from here on, this alarm starts the call again.
		const retryMs = Math.min(FIRST_RETRY_MS * 2 ** interruptions, MAX_RETRY_MS);
		const dueMs = now() + retryMs;
		const starts = state.starts + (this.#run ? 0 : 1);
		storage.writeRun({ ...state, phase: 'running', dueMs, starts, interruptions });
		// Not awaited: what the call stores in this turn is stored with it, or not at all.
		const setting = context.storage.setAlarm(dueMs);
		try {
			await this.#resume(record, state, interruptions);
		} finally {
			await setting;
		}
	}

	async #resume(record: TaskRecord, state: RunState, interruptions: number): Promise<void> {
		if (this.#run) return;
		let handler: TaskHandler;
		try {
			handler = handlerOf(state.handler);
		} catch (error) {
			if (interruptions + 1 < DEFAULT_MAX_ATTEMPTS) throw error;
			await this.#fail(reasonOf(error));
			return;
		}
		const problem = await this.#restartProblem(record, handler, state, interruptions);
		if (problem === undefined) this.#play(handler, state.starts + 1);
		else await this.#fail(problem);
	}

	/** Returns why a call must not start again; `undefined` if it may. */
	async #restartProblem(
		record: TaskRecord,
		{ host, options }: TaskHandler,
		state: RunState,
		interruptions: number,
	): Promise<string | undefined> {
		const { storage } = this.#deps;
		if (state.phase === 'queued') return undefined;
		const { principal, tool } = record;
		const call = { tool, arguments: storage.readCall()?.arguments ?? {}, principal };
		const policy = options.policyOf(call);
		const maxAttempts = policy?.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
		if (interruptions >= maxAttempts) {
			return `${tool} was interrupted ${interruptions} times by restarts; call it again`;
		}
		if (policy?.onInterrupt === 'resume') return undefined;
		const usesJournal = state.usesJournal || storage.readSteps().length > 0;
		const isAutomatic = policy?.onInterrupt === undefined;
		if (isAutomatic && (usesJournal || (await isRepeatable(host, tool)))) return undefined;
		return (
			`${tool} was interrupted by a restart and cannot be resumed: it is not annotated as idempotent and ` +
			'has stored no steps. Call it again'
		);
	}

	#play({ host, options }: TaskHandler, attempts: number): void {
		const { context, env, now, storage, store } = this.#deps;
		const call = storage.readCall();
		// The client may have responded or cancelled meanwhile.
		const record = store.live;
		if (!call || !record || hasEnded(record)) return;
		const run = new TaskRun({
			...{
				host,
				record: { ...record, attempts },
				call,
				steps: storage.readSteps(),
				platform: context,
				now,
			},
			// Safe because a run uses no other members.
			store: store as unknown as TaskStore,
			createCustom: (saved) => options.context?.(saved, env),
			sleepUntil: (untilMs, signal) => this.#sleepUntil(untilMs, signal),
			onJournal: () => {
				const state = storage.readRun();
				if (state) storage.writeRun({ ...state, usesJournal: true });
			},
			onWaiting: (isWaiting) => {
				this.#isWaiting = isWaiting;
				if (isWaiting) this.#onWaiting?.();
			},
		});
		this.#run = run;
		this.#isWaiting = false;
		// Not passed to `waitUntil`: a call that waits would keep the object in memory. The alarm awaits it.
		const ended = (): void => {
			if (this.#run === run) this.#end();
		};
		run.run().then(ended, ended);
	}

	#end(): void {
		this.#run = undefined;
		this.#isWaiting = false;
		this.#ended.resolve();
		this.#onWaiting?.();
	}

	/** Resolves when the call has ended, or waits and can be started again. */
	async #untilWaiting(): Promise<void> {
		const lastMs = this.#deps.now() + MAX_ALARM_MS;
		while (this.#run && this.#deps.now() < lastMs) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#onWaiting = resolve;
			if (this.#isWaiting && this.#run.usesJournal) {
				// What the call does in the same turn may end its waiting.
				await scheduler.wait(0);
				if (this.#isWaiting) return;
			} else {
				await within(lastMs - this.#deps.now(), Promise.race([promise, this.#ended.promise]));
			}
		}
	}

	/** Sets the alarm for what the task does next. */
	async #schedule(): Promise<void> {
		const { context, storage, store } = this.#deps;
		const record = store.live;
		const state = storage.readRun();
		if (!record || !state) return;
		const run = this.#run;
		if (!run || hasEnded(record)) {
			await context.storage.setAlarm(record.expiresAtMs);
			return;
		}
		const wakes = [...this.#sleepers].map(({ untilMs }) => untilMs);
		const dueMs = wakes.length > 0 ? Math.min(...wakes) : null;
		storage.writeRun({ ...state, phase: 'waiting', dueMs, usesJournal: run.usesJournal });
		await context.storage.setAlarm(Math.min(dueMs ?? Infinity, record.expiresAtMs));
	}

	#sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		const sleeper: Sleeper = { untilMs, wake: resolve };
		this.#sleepers.add(sleeper);
		signal.addEventListener('abort', () => resolve(), { once: true });
		return promise.finally(() => this.#sleepers.delete(sleeper));
	}

	#wakeSleepers(): void {
		for (const { untilMs, wake } of this.#sleepers) if (untilMs <= this.#deps.now()) wake();
	}

	async #fail(message: string): Promise<void> {
		await changeTask(this.#deps.store, '', () => ({
			...{ status: 'failed', statusMessage: message, inputs: [] },
			error: { code: INTERNAL_ERROR, message },
		}));
		this.#end();
	}
}

/** Resolves with the promise, or when the time is over. No timer stays, which would keep the object in memory. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
	const { promise: over, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, ms);
	try {
		await Promise.race([promise, over]);
	} finally {
		clearTimeout(timer);
	}
}
