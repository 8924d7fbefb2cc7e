import { reasonOf } from '@tmcp-sessions/core/backend';

import { changeTask } from '../task/change-task.ts';
import { hasEnded } from '../task/task-record.ts';
import type { TaskRecord } from '../task/task-record.ts';
import type { StopWatching, TaskStore } from '../task/task-store.ts';
import { OwnTaskStore } from './own-task-store.ts';
import { failTask, restartProblem } from './restart.ts';
import type { TaskHandler } from './task-handlers.ts';
import { TaskRun } from './task-run.ts';
import type { TaskRunDeps } from './task-run.ts';

/** A handler, and the store of its tasks. */
export interface StoredTaskHandler extends TaskHandler {
	readonly store: TaskStore;
}

/** What the run of a stored call depends on. */
export interface StoredRunDeps extends Pick<
	TaskRunDeps,
	'maxStepBytes' | 'now' | 'onWaiting' | 'platform' | 'runStep' | 'sleepUntil'
> {
	readonly handler: StoredTaskHandler;
	/** The bindings for the option `context`. */
	readonly env: unknown;
}

/**
 * One start of a call, by an engine whose store does not know where calls run. Starts have numbers, which
 * are the `attempts` of the task: each is claimed once, and a later one takes the task over.
 */
export class StoredRun {
	/** Whether the call may leave memory while it waits, as `onInterrupt` says. */
	readonly mayLeave: boolean;
	readonly #run: TaskRun;
	readonly #own: OwnTaskStore;
	readonly #deps: StoredRunDeps;
	readonly #name: string;
	readonly #over: PromiseWithResolvers<void> = Promise.withResolvers();

	private constructor(
		deps: StoredRunDeps,
		{ name }: TaskRecord,
		own: OwnTaskStore,
		run: TaskRun,
		mayLeave: boolean,
	) {
		this.#deps = deps;
		this.#name = name;
		this.#own = own;
		this.#run = run;
		this.mayLeave = mayLeave;
	}

	/**
	 * Claims the next start of a call. Fails the task if its call must not start again.
	 *
	 * @param start the number to claim. Default: the next one.
	 * @returns `undefined` if there is nothing to run: the task is unknown or has ended, or this start or a
	 * later one was claimed before.
	 * @throws {StoreError} if the store could not be reached.
	 */
	static async claim(
		deps: StoredRunDeps,
		name: string,
		start?: number,
	): Promise<StoredRun | undefined> {
		const { env, handler } = deps;
		const { host, options, store } = handler;
		// Read before the claim: a call whose store is down has not begun, and is not interrupted.
		const call = await store.readCall(name);
		if (!call) return undefined;
		let before: TaskRecord | undefined;
		const changed = await changeTask(store, name, (record) => {
			before = record;
			const attempts = start ?? record.attempts + 1;
			return record.attempts < attempts ? { attempts, isParked: false } : undefined;
		});
		if (!changed?.isChanged || !before) return undefined;
		const { record } = changed;
		const isFirst = before.attempts === 0;
		const steps = isFirst ? [] : await store.readSteps(name);
		// A start after a wait is no interruption.
		const waits = steps.filter(({ kind }) => kind === 'sleep').length + record.inputs.length;
		const interruptions = Math.max(0, before.attempts - waits);
		const usesJournal = steps.length > 0 || before.usesJournal === true;
		let mayLeave = false;
		try {
			const { principal, tool } = record;
			const policy = options.policyOf({ tool, arguments: call.arguments ?? {}, principal });
			mayLeave = policy?.onInterrupt !== 'fail';
			const stopped = { record, call, interruptions, usesJournal };
			const problem = isFirst ? undefined : await restartProblem(handler, stopped);
			if (problem !== undefined) throw new Error(problem);
		} catch (error) {
			await failTask(store, name, reasonOf(error));
			return undefined;
		}
		const own = new OwnTaskStore(store, record);
		const run = new TaskRun({
			...deps,
			host,
			store: own,
			record,
			call,
			steps,
			createCustom: (saved) => options.context?.(saved, env),
		});
		return new StoredRun(deps, record, own, run, mayLeave);
	}

	/** Whether the call can leave memory while it waits, and start again from its stored results. */
	get canLeave(): boolean {
		return this.mayLeave && this.#run.canLeave;
	}

	/** Whether the call has stored results, from which it can be resumed. */
	get usesJournal(): boolean {
		return this.#run.usesJournal;
	}

	/** Whether the call waits for responses of the client. */
	get awaitsClient(): boolean {
		return this.#run.awaitsClient;
	}

	/**
	 * Runs the call until it has ended, was cancelled, or was taken over by a later start.
	 *
	 * @throws {StoreError} if the store could not be reached. The call has to start again.
	 */
	async run(): Promise<void> {
		const stop = await this.#watch();
		try {
			await Promise.race([this.#run.run(), this.#over.promise]);
		} finally {
			stop?.();
		}
		const { failure } = this.#own;
		if (failure) throw failure;
	}

	/** Reads the task again, and hands the call its responses. */
	async refresh(): Promise<void> {
		const record = await this.#deps.handler.store.read(this.#name);
		if (record) this.#observe(record);
	}

	/** Notes that the call waits, and can be resumed. */
	async markResumable(): Promise<void> {
		await this.#run.flush();
		await changeTask(this.#own, this.#name, ({ usesJournal }) =>
			usesJournal ? undefined : { usesJournal: true },
		);
	}

	/**
	 * Notes that the call leaves memory while it waits.
	 *
	 * @returns whether it has: not if the client has responded meanwhile, which the call then goes on with.
	 */
	async park(): Promise<boolean> {
		await this.#run.flush();
		for (;;) {
			const record = await this.#own.read(this.#name);
			if (!record || hasEnded(record) || this.#own.isLost) return false;
			this.#run.deliver(record);
			if (!this.#run.canLeave) return false;
			const patch = { isParked: true, usesJournal: true };
			const parked = await this.#own.update(this.#name, record.revision, patch);
			if (!parked) continue;
			this.#own.lose();
			this.#run.abandon();
			this.#over.resolve();
			return true;
		}
	}

	/** Stops the call here, without an effect on the task, which another start continues. */
	stop(reason: string): void {
		this.#own.lose();
		this.#run.cancel(reason);
		this.#over.resolve();
	}

	async #watch(): Promise<StopWatching | undefined> {
		const { host, store } = this.#deps.handler;
		try {
			return await store.watch(this.#name, (record) => this.#observe(record));
		} catch (error) {
			// The call notices at its next step that its task has ended.
			host.report(error);
			return undefined;
		}
	}

	#observe(record: TaskRecord): void {
		this.#own.note(record);
		if (record.status === 'cancelled') {
			this.#run.cancel();
			this.#over.resolve();
		} else if (this.#own.isLost) {
			this.stop('the call was cut off, and continues elsewhere');
		} else if (!hasEnded(record)) {
			this.#run.deliver(record);
		}
	}
}
