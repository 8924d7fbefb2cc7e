import { createReporter, reasonOf } from '@tmcp-sessions/core/backend';
import {
	DEFAULT_MAX_ATTEMPTS,
	failTask,
	hasEnded,
	retryDelayMs,
} from '@tmcp-sessions/tasks/backend';
import type { TaskRecord } from '@tmcp-sessions/tasks/backend';

import { handlers } from '../handlers.ts';
import { CallExecution, within } from '../run/call-execution.ts';
import type { CallOutcome, Execution } from '../run/call-execution.ts';
import { ObjectExecution } from '../run/object-execution.ts';
import type { CallTarget } from '../wire.ts';
import type { LocalTaskStore } from './local-task-store.ts';
import type { RunState, TaskStorage } from './task-storage.ts';

/** The platform ends an alarm after 15 minutes. */
const MAX_ALARM_MS = 14 * 60_000;

/** What a runner depends on. */
export interface TaskRunnerDeps {
	readonly context: DurableObjectState;
	readonly store: LocalTaskStore;
	readonly storage: TaskStorage;
	readonly env: unknown;
	readonly now: () => number;
	/** How long an alarm waits for a call before the next one does. Default: 14 minutes. */
	readonly maxAlarmMs?: number | undefined;
}

/**
 * Runs the call of an object's task, in its alarm: no connection of a client keeps it alive. A call that
 * waits for nothing but the client or a time lets the object leave memory, and starts again from its
 * stored steps and responses.
 */
export class TaskRunner {
	readonly #deps: TaskRunnerDeps;
	#execution: Execution | undefined;
	#ended = Promise.withResolvers<void>();

	constructor(deps: TaskRunnerDeps) {
		this.#deps = deps;
	}

	/** Returns why this script cannot run a call; `undefined` if it can. */
	mistakeIn({ handler, object }: CallTarget): string | undefined {
		return object === undefined ? handlers.missing(handler) : undefined;
	}

	/** Has the alarm start the call of a task that was stored in the same turn. */
	async queue(target: CallTarget): Promise<void> {
		const { context, now, storage } = this.#deps;
		storage.writeRun({
			...target,
			phase: 'queued',
			dueMs: now(),
			usesJournal: false,
			starts: 0,
			interruptions: 0,
		});
		await context.storage.setAlarm(now());
	}

	/** Resolves when the task has ended, or the time is over. */
	async endedWithin(ms: number): Promise<void> {
		if (!this.#deps.store.live || hasEnded(this.#deps.store.live)) return;
		await within(ms, this.#ended.promise);
	}

	/** Notes that the task has ended. */
	markEnded(): void {
		this.#ended.resolve();
	}

	/** Goes on with a call whose client has responded. */
	async deliver(record: TaskRecord): Promise<void> {
		const { context, now, storage } = this.#deps;
		const run = storage.readRun();
		if (this.#execution?.isRunning) await this.#attempt(this.#execution.deliver(record));
		if (!run || run.phase === 'running') return;
		storage.writeRun({ ...run, dueMs: now() });
		await context.storage.setAlarm(now());
	}

	/** Stops the call of a task that has ended. */
	async cancel(): Promise<void> {
		const { context, storage, store } = this.#deps;
		const record = store.stored;
		if (record) await context.storage.setAlarm(record.expiresAtMs);
		const state = storage.readRun();
		// The object of a session may run the call although this object does not know it any more.
		const isElsewhere = state?.object !== undefined && state.phase !== 'queued';
		if (record && state && (this.#execution || isElsewhere)) {
			await this.#attempt(this.#executionOf(record, state).cancel());
		}
	}

	/** Handles the alarm of a task that has not expired. */
	async run(record: TaskRecord): Promise<void> {
		const { context, now, storage } = this.#deps;
		const state = storage.readRun();
		if (!state || hasEnded(record)) {
			await context.storage.setAlarm(record.expiresAtMs);
			return;
		}
		if (state.dueMs !== null && state.dueMs > now() && !this.#execution?.isRunning) {
			await context.storage.setAlarm(Math.min(state.dueMs, record.expiresAtMs));
			return;
		}
		const outcome = await this.#continue(record, state);
		if (outcome) await this.#schedule(outcome);
	}

	/** Starts or continues the call. Returns `undefined` if that failed: the alarm tries again later. */
	async #continue(record: TaskRecord, state: RunState): Promise<CallOutcome | undefined> {
		const { context, maxAlarmMs = MAX_ALARM_MS, now, storage } = this.#deps;
		const execution = this.#executionOf(record, state);
		const isCutOff = state.phase === 'running' && !execution.isRunning;
		const interruptions = state.interruptions + (isCutOff ? 1 : 0);
		// If the object is lost from here on, this alarm starts the call again.
		const dueMs = now() + retryDelayMs(interruptions + 1);
		const starts = state.starts + (execution.isRunning ? 0 : 1);
		storage.writeRun({ ...state, phase: 'running', dueMs, starts, interruptions });
		// Not awaited: what the call stores in this turn is stored with it, or not at all.
		const setting = context.storage.setAlarm(dueMs);
		const { phase, usesJournal } = state;
		try {
			return await execution.run({
				record,
				phase,
				usesJournal,
				starts,
				interruptions,
				maxMs: maxAlarmMs,
			});
		} catch (error) {
			createReporter()(error);
			if (interruptions + 1 >= DEFAULT_MAX_ATTEMPTS) {
				await failTask(this.#deps.store, '', reasonOf(error));
				return { kind: 'ended' };
			}
			return undefined;
		} finally {
			await setting;
		}
	}

	/** Sets the alarm for what the task does next. */
	async #schedule(outcome: CallOutcome): Promise<void> {
		const { context, now, storage, store } = this.#deps;
		const record = store.live;
		const state = storage.readRun();
		if (!record || !state) return;
		if (outcome.kind === 'ended' || hasEnded(record)) {
			await context.storage.setAlarm(record.expiresAtMs);
			return;
		}
		const { kind, usesJournal } = outcome;
		// The next alarm waits for a call that takes longer than one may.
		const dueMs = kind === 'running' ? now() : outcome.dueMs;
		storage.writeRun({ ...state, phase: kind, dueMs, usesJournal });
		await context.storage.setAlarm(Math.min(dueMs ?? Infinity, record.expiresAtMs));
	}

	#executionOf({ name }: TaskRecord, { handler, object }: RunState): Execution {
		if (this.#execution) return this.#execution;
		const { context, env, now, storage, store } = this.#deps;
		if (object !== undefined) {
			const exports = Reflect.get(context, 'exports') as object | undefined;
			return (this.#execution = new ObjectExecution(object, name, [exports, env as object]));
		}
		return (this.#execution = new CallExecution({
			handler: () => handlers.of(handler),
			store,
			env,
			platform: context,
			now,
			onJournal: () => {
				const state = storage.readRun();
				if (state) storage.writeRun({ ...state, usesJournal: true });
			},
		}));
	}

	/** The task goes on by its alarm if the object that runs its call cannot be reached. */
	async #attempt(sent: Promise<void>): Promise<void> {
		await sent.catch((error: unknown) => createReporter()(error));
	}
}
