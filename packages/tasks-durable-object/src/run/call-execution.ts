import { failTask, hasEnded, restartProblem, TaskRun } from '@tmcp-sessions/tasks/backend';
import type { TaskHandler, TaskRecord, TaskStore } from '@tmcp-sessions/tasks/backend';

import type { RunState } from '../object/task-storage.ts';

/** The state in which the object of a task has its call started or continued. JSON. */
export interface CallStart extends Pick<RunState, 'interruptions' | 'phase' | 'usesJournal'> {
	readonly record: TaskRecord;
	/** How often the call has started, with this start. */
	readonly starts: number;
	/** How long to wait for the call. */
	readonly maxMs: number;
}

/** What became of a call within the time to wait. JSON. */
export type CallOutcome =
	| { readonly kind: 'ended' }
	| {
			/** `waiting` for the client or for a time, so that the call may leave memory and start again. */
			readonly kind: 'running' | 'waiting';
			readonly usesJournal: boolean;
			/** When a sleep of the call ends. Null: not before the client responds. */
			readonly dueMs: number | null;
	  };

/** Runs the call of a task, in this object or in another one. */
export interface Execution {
	/** Whether the call is in memory, as far as is known here. */
	readonly isRunning: boolean;
	/** Starts the call unless it is in memory, and resolves when it has ended or waits. */
	run(start: CallStart): Promise<CallOutcome>;
	/** Hands the call the responses of a record. */
	deliver(record: TaskRecord): Promise<void>;
	/** Aborts the call. */
	cancel(): Promise<void>;
}

/** What an execution depends on. */
export interface CallExecutionDeps {
	/** @throws {TmcpSessionsError} `configuration` if this script does not have the handler. */
	readonly handler: () => TaskHandler;
	readonly store: Pick<
		TaskStore,
		'addStep' | 'capabilities' | 'read' | 'readCall' | 'readSteps' | 'update'
	>;
	readonly env: unknown;
	readonly platform: { waitUntil(promise: Promise<unknown>): void };
	/** Called before the call stores its first result. */
	readonly onJournal: () => void;
	readonly now: () => number;
}

interface Sleeper {
	readonly untilMs: number;
	readonly wake: () => void;
}

/** Runs the call of a task in the memory of this object. */
export class CallExecution implements Execution {
	readonly #deps: CallExecutionDeps;
	readonly #sleepers = new Set<Sleeper>();
	#run: TaskRun | undefined;
	/** Called when the call waits or has ended. */
	#onChange: (() => void) | undefined;
	#isWaiting = false;

	constructor(deps: CallExecutionDeps) {
		this.#deps = deps;
	}

	get isRunning(): boolean {
		return this.#run !== undefined;
	}

	async run(start: CallStart): Promise<CallOutcome> {
		if (this.#run) this.#run.deliver(start.record);
		else await this.#start(start);
		this.#wakeSleepers();
		await this.#untilWaiting(start.maxMs);
		if (!this.#run) return { kind: 'ended' };
		const { usesJournal } = this.#run;
		const wakes = [...this.#sleepers].map(({ untilMs }) => untilMs);
		return {
			kind: this.#isWaiting && usesJournal ? 'waiting' : 'running',
			usesJournal,
			dueMs: wakes.length > 0 ? Math.min(...wakes) : null,
		};
	}

	async deliver(record: TaskRecord): Promise<void> {
		this.#run?.deliver(record);
	}

	async cancel(): Promise<void> {
		this.#run?.cancel();
		this.#end();
	}

	async #start(start: CallStart): Promise<void> {
		const handler = this.#deps.handler();
		const problem = await this.#restartProblem(handler, start);
		if (problem === undefined) await this.#play(handler, start);
		else await failTask(this.#deps.store, start.record.name, problem);
	}

	/** Returns why a call must not start again; `undefined` if it may. */
	async #restartProblem(
		handler: TaskHandler,
		{ interruptions, phase, record, usesJournal }: CallStart,
	): Promise<string | undefined> {
		if (phase === 'queued') return undefined;
		const { store } = this.#deps;
		const { name } = record;
		const call = await store.readCall(name);
		const hasJournal = usesJournal || (await store.readSteps(name)).length > 0;
		return restartProblem(handler, { record, call, interruptions, usesJournal: hasJournal });
	}

	async #play(
		{ host, options }: TaskHandler,
		{ record: { name }, starts }: CallStart,
	): Promise<void> {
		const { env, now, onJournal, platform, store } = this.#deps;
		const call = await store.readCall(name);
		const steps = await store.readSteps(name);
		// The client may have responded or cancelled meanwhile.
		const record = await store.read(name);
		if (!call || !record || hasEnded(record)) return;
		const run = new TaskRun({
			host,
			record: { ...record, attempts: starts },
			call,
			steps,
			platform,
			now,
			onJournal,
			store,
			createCustom: (saved) => options.context?.(saved, env),
			sleepUntil: (untilMs, signal) => this.#sleepUntil(untilMs, signal),
			onWaiting: (isWaiting) => {
				this.#isWaiting = isWaiting;
				if (isWaiting) this.#onChange?.();
			},
		});
		this.#run = run;
		this.#isWaiting = false;
		// Not passed to `waitUntil`: a call that waits would keep the object in memory. `run` awaits it.
		const ended = (): void => {
			if (this.#run === run) this.#end();
		};
		run.run().then(ended, ended);
	}

	#end(): void {
		this.#run = undefined;
		this.#isWaiting = false;
		this.#onChange?.();
	}

	/** Resolves when the call has ended, waits and can be started again, or the time is over. */
	async #untilWaiting(maxMs: number): Promise<void> {
		const lastMs = this.#deps.now() + maxMs;
		while (this.#run && this.#deps.now() < lastMs) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#onChange = resolve;
			if (this.#isWaiting && this.#run.usesJournal) {
				// What the call does in the same turn may end its waiting.
				await scheduler.wait(0);
				if (this.#isWaiting) return;
			} else {
				await within(lastMs - this.#deps.now(), promise);
			}
		}
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
}

/** Resolves with the promise, or when the time is over. No timer stays, which would keep the object in memory. */
export async function within(ms: number, promise: Promise<void>): Promise<void> {
	const { promise: over, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, ms);
	try {
		await Promise.race([promise, over]);
	} finally {
		clearTimeout(timer);
	}
}
