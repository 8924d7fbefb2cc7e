import { AsyncLocalStorage } from 'node:async_hooks';

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { reasonOf } from '@tmcp-sessions/core/backend';
import { idOf, isObject, metadataOf, methodOf, paramsOf } from '@tmcp-sessions/http/internal';
import type { ExtensionHost, JsonObject } from '@tmcp-sessions/http/internal';

import { taskError } from '../task-error.ts';
import { changeTask } from '../task/change-task.ts';
import { jsonProblem } from '../task/json.ts';
import type { TaskCall, TaskInput, TaskPatch, TaskRecord, TaskStep } from '../task/task-record.ts';
import type { RunStore } from '../task/task-store.ts';
import { runInTask } from './current-task.ts';
import type { Answer, CurrentTask } from './current-task.ts';
import { StatusLine } from './status-line.ts';
import { StepJournal } from './step-journal.ts';

const INTERNAL_ERROR = -32603;
const CANCELLED = -32001;

/** Who a task was created for, to rebuild `server.ctx.custom` when it runs. JSON only. */
export interface SavedContext {
	/** Empty if the task belongs to no principal. */
	readonly principal: string;
	readonly session: TaskCall['session'];
	/** What `saveContext` returned. */
	readonly value: unknown;
}

/** What a run of a task depends on. */
export interface TaskRunDeps {
	readonly host: ExtensionHost;
	/** Holds the task. */
	readonly store: RunStore;
	readonly record: TaskRecord;
	readonly call: TaskCall;
	/** The steps that earlier starts of the call have completed. */
	readonly steps: readonly TaskStep[];
	/** Receives the promises that the call starts, which must settle. */
	readonly platform: { waitUntil(promise: Promise<unknown>): void } | undefined;
	/** Returns `server.ctx.custom` of the tool. */
	readonly createCustom: (saved: SavedContext) => unknown;
	/** Resolves at a time, or when the signal is aborted. */
	readonly sleepUntil: (untilMs: number, signal: AbortSignal) => Promise<void>;
	/** Called when the call starts or stops to wait for nothing but the client. */
	readonly onWaiting?: ((isWaiting: boolean) => void) | undefined;
	/** Called before the call stores its first result, by a step, a sleep or `ask`, which awaits it. */
	readonly onJournal?: (() => Promise<void> | void) | undefined;
	/**
	 * Runs a step that is not stored, for an engine with its own journal. It may call `run` outside of
	 * the asynchronous context of the call. Default: calls `run`.
	 */
	readonly runStep?:
		(<Result>(name: string, run: () => Promise<Result>) => Promise<Result>) | undefined;
	/** The largest result of a step, in bytes of JSON. Default: the limit of the store. */
	readonly maxStepBytes?: number | undefined;
	readonly now: () => number;
}

/** Plays the call of a task into the server, and stores what becomes of it. */
export class TaskRun implements CurrentTask {
	readonly attempt: number;
	readonly #deps: TaskRunDeps;
	readonly #abort = new AbortController();
	readonly #journal: StepJournal;
	readonly #status: StatusLine;
	/** The server requests that wait for the client: their ids by the keys of the task's inputs. */
	readonly #waiting = new Map<string, string | number>();
	#inputs: readonly TaskInput[];
	#requests = 0;
	#sleeps = 0;
	#sleeping = 0;
	/** How many of the waiting server requests `ask` has sent. */
	#asking = 0;
	#isAbandoned = false;
	#writes: Promise<unknown> = Promise.resolve();
	/** Why the task fails, even if the tool catches the error. */
	#failure: Error | undefined;
	#usesJournal = false;
	/** Settles when it is stored that the call uses the journal. */
	#journaling: Promise<void> | undefined;

	constructor(deps: TaskRunDeps) {
		this.#deps = deps;
		this.attempt = deps.record.attempts;
		this.#journal = new StepJournal(deps.steps);
		this.#usesJournal = deps.steps.length > 0;
		this.#inputs = deps.record.inputs;
		this.#status = new StatusLine((line) => {
			this.#change(() => line);
		}, deps.now);
	}

	get signal(): AbortSignal {
		return this.#abort.signal;
	}

	/** Whether the call has used a step, a sleep or `ask`, whose results are stored. */
	get usesJournal(): boolean {
		return this.#usesJournal;
	}

	/** Whether the call can leave memory while it waits, and start again from its stored results. */
	get canLeave(): boolean {
		return this.#usesJournal && this.#waiting.size === this.#asking;
	}

	/** Whether the call waits for responses of the client. */
	get awaitsClient(): boolean {
		return this.#waiting.size > 0;
	}

	/** Resolves when the changes of the call so far are stored. */
	async flush(): Promise<void> {
		this.#status.flush();
		await this.#writes;
	}

	/** Leaves a call of `canLeave` where it waits: it never continues here, and can be garbage collected. */
	abandon(): void {
		this.#isAbandoned = true;
		const error = { code: CANCELLED, message: 'The call continues elsewhere' };
		for (const [key, id] of this.#waiting) this.#respond(key, id, { error });
	}

	/** Runs the call until it has ended, and stores its result. Never rejects. */
	async run(): Promise<void> {
		const { host, record } = this.#deps;
		try {
			await this.#finish(await this.#play());
		} catch (error) {
			host.report(error);
			const message = `The task failed: ${reasonOf(error)}`;
			await changeTask(this.#deps.store, record.name, () => ({
				status: 'failed',
				statusMessage: message,
				inputs: [],
				error: { code: INTERNAL_ERROR, message },
			})).catch((cause: unknown) => host.report(cause));
		} finally {
			this.#status.flush();
		}
	}

	/** Hands the call the responses of the client that a record has. */
	deliver({ inputs }: Pick<TaskRecord, 'inputs'>): void {
		this.#inputs = inputs;
		for (const { key, response } of inputs) {
			const id = this.#waiting.get(key);
			if (response && id !== undefined) this.#respond(key, id, { result: response });
		}
	}

	/**
	 * Aborts the call. What it returns is dropped, since the task has ended or continues elsewhere.
	 *
	 * @param reason Default: `the task was cancelled`.
	 */
	cancel(reason: string = 'the task was cancelled'): void {
		this.#abort.abort(taskError(reason));
		const error = { code: CANCELLED, message: reason };
		for (const [key, id] of this.#waiting) this.#respond(key, id, { error });
	}

	begin(): void {}

	status(message: string): void {
		this.#status.set(message);
	}

	async step<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result> {
		const step = this.#startStep(name, 'step');
		// Safe because the same step has stored it.
		if (step.stored) return step.stored.value as Result;
		try {
			if (this.#journaling) await this.#untilJournaled();
			const { runStep } = this.#deps;
			const inCall = runStep && AsyncLocalStorage.snapshot();
			const value =
				runStep && inCall
					? await runStep(name, async () => this.#requireStorable(name, await inCall(run)))
					: this.#requireStorable(name, await run());
			await this.#store({ ...stepOf(step), value });
			return value;
		} finally {
			this.#journal.end(step);
		}
	}

	async ask<Schema extends StandardSchemaV1>(
		message: string,
		schema: Schema,
	): Promise<Answer<StandardSchemaV1.InferOutput<Schema>>> {
		this.#requireRunning();
		this.#useJournal();
		if (this.#journaling) await this.#untilJournaled();
		this.#asking += 1;
		try {
			// Safe because the server has validated the response with the schema.
			return (await this.#deps.host.elicit(message, schema)) as Answer<
				StandardSchemaV1.InferOutput<Schema>
			>;
		} finally {
			this.#asking -= 1;
			this.#updateWaiting();
			if (this.#isAbandoned) await new Promise<never>(() => {});
		}
	}

	async sleep(ms: number): Promise<void> {
		if (!(ms >= 0) || ms > Number.MAX_SAFE_INTEGER) {
			throw taskError(`sleep needs milliseconds from 0; got ${ms}`);
		}
		this.#sleeps += 1;
		const step = this.#startStep(`sleep ${this.#sleeps}`, 'sleep');
		const untilMs = Number(step.stored?.value ?? this.#deps.now() + ms);
		try {
			if (!step.stored) await this.#store({ ...stepOf(step), value: untilMs });
		} finally {
			this.#journal.end(step);
		}
		if (untilMs <= this.#deps.now()) return;
		this.#sleeping += 1;
		this.#updateWaiting();
		try {
			await this.#deps.sleepUntil(untilMs, this.signal);
		} finally {
			this.#sleeping -= 1;
			this.#updateWaiting();
		}
		this.#requireRunning();
	}

	async #play(): Promise<JsonObject> {
		const { call, createCustom, host, platform, record } = this.#deps;
		const { principal, tool } = record;
		const { session, sessionId } = call;
		const custom: unknown = await createCustom({ principal, session, value: call.context });
		const message = {
			jsonrpc: '2.0',
			id: record.name,
			method: 'tools/call',
			params: {
				name: tool,
				arguments: structuredClone(call.arguments),
				// With a token, the server sends the progress that becomes the status message.
				_meta: { ...call.metadata, progressToken: record.name },
			},
		};
		return runInTask(this, () =>
			host.runInBackground({
				message,
				principal,
				sessionId,
				sessionInfo: session,
				custom,
				platform,
				signal: this.signal,
				onFrame: (frame) => this.#receive(frame),
			}),
		);
	}

	/** Stores the outcome of the call, unless the task has been cancelled. */
	async #finish(response: JsonObject): Promise<void> {
		this.#status.flush();
		await this.#writes;
		const patch = { ...this.#outcomeOf(response), attempts: this.attempt };
		await changeTask(this.#deps.store, this.#deps.record.name, () => ({ ...patch, inputs: [] }));
	}

	#outcomeOf({ error, result }: JsonObject): TaskPatch {
		const { record, store } = this.#deps;
		const { maxResultBytes } = store.capabilities;
		if (this.#failure) return failed(INTERNAL_ERROR, this.#failure.message);
		if (isObject(error)) {
			const { code, message, data } = error as { code: number; message: string; data?: unknown };
			return failed(code, message, jsonProblem(data) === undefined ? data : undefined);
		}
		const problem = jsonProblem(result, 'result');
		if (problem || !isObject(result)) {
			return failed(
				INTERNAL_ERROR,
				`The result of ${record.tool} must be JSON, which is stored; found ${problem ?? typeof result}`,
			);
		}
		const bytes = bytesOf(result);
		if (bytes > maxResultBytes) {
			return failed(
				INTERNAL_ERROR,
				`The result of ${record.tool} must have at most ${maxResultBytes} bytes of JSON; got ${bytes}. ` +
					'Store it elsewhere and return a resource link',
			);
		}
		return { status: 'completed', result };
	}

	/** Takes a notification or a server request of the call. */
	#receive(frame: JsonObject): void {
		const id = idOf(frame);
		const method = methodOf(frame);
		if (id !== undefined) this.#request(id, frame);
		else if (method === 'notifications/progress') this.#setProgress(paramsOf(frame));
		else if (method === 'notifications/message') this.#status.set(logText(paramsOf(frame)));
	}

	#setProgress(params: JsonObject): void {
		const isStored = this.#deps.record.progressToken !== undefined;
		this.#status.set(progressText(params), isStored ? progressIn(params) : undefined);
	}

	#request(id: string | number, frame: JsonObject): void {
		const known = this.#inputs[this.#requests];
		this.#requests += 1;
		const key = known?.key ?? `input-${this.#requests}`;
		const request = { method: methodOf(frame) ?? '', params: paramsOf(frame) };
		if (known && !isSame(known.request, request)) {
			const error = this.#fail(
				`the ${request.method} ${this.#requests} differs from an earlier start of this call: the tool ` +
					'has changed while the task ran, or what it asks depends on time or chance. Call the tool again',
			);
			this.#respond(key, id, { error: { code: INTERNAL_ERROR, message: error.message } });
		} else if (known?.response) {
			this.#respond(key, id, { result: known.response });
		} else {
			this.#waiting.set(key, id);
			if (!known) {
				const input: TaskInput = { key, request };
				this.#inputs = [...this.#inputs, input];
				const line = this.#status.take();
				this.#change(({ inputs }) => ({
					...line,
					inputs: [...inputs, input],
					status: 'input_required',
				}));
			}
			this.#updateWaiting();
		}
	}

	#respond(
		key: string,
		id: string | number,
		outcome: { result: unknown } | { error: object },
	): void {
		const { host } = this.#deps;
		this.#waiting.delete(key);
		this.#updateWaiting();
		const invalid = { code: INTERNAL_ERROR, message: 'The client sent an invalid response' };
		host
			.respond({ jsonrpc: '2.0', id, ...outcome })
			.catch(() => host.respond({ jsonrpc: '2.0', id, error: invalid }))
			.catch((error: unknown) => host.report(error));
	}

	#startStep(name: string, kind: TaskStep['kind']): ReturnType<StepJournal['start']> {
		this.#requireRunning();
		this.#useJournal();
		try {
			return this.#journal.start(name, kind);
		} catch (error) {
			this.#failure ??= error instanceof Error ? error : undefined;
			throw error;
		}
	}

	#useJournal(): void {
		if (this.#usesJournal) return;
		this.#usesJournal = true;
		const stored = this.#deps.onJournal?.();
		if (stored) this.#journaling = stored.catch((error: unknown) => this.#deps.host.report(error));
	}

	/** @throws if the call was cut off meanwhile. */
	async #untilJournaled(): Promise<void> {
		await this.#journaling;
		this.#journaling = undefined;
		this.#requireRunning();
	}

	/** @throws if the result of a step cannot be stored. Then the task fails. */
	#requireStorable<Result>(name: string, value: Result): Result {
		const problem = jsonProblem(value, 'the result');
		if (problem) {
			throw this.#fail(
				`the step ${JSON.stringify(name)} must return JSON, which is stored; found ${problem}. Return ` +
					'plain objects, arrays, strings, finite numbers and booleans',
			);
		}
		const { maxStepBytes = Infinity, store } = this.#deps;
		const maxBytes = Math.min(maxStepBytes, store.capabilities.maxResultBytes);
		const bytes = bytesOf(value);
		if (bytes > maxBytes) {
			throw this.#fail(
				`the result of the step ${JSON.stringify(name)} must have at most ${maxBytes} bytes of ` +
					`JSON; got ${bytes}. Store it elsewhere and return where it is`,
			);
		}
		return value;
	}

	async #store(step: TaskStep): Promise<void> {
		const isStored = await this.#deps.store.addStep(this.#deps.record.name, step);
		if (!isStored) throw taskError('the task has ended; its call stops here');
	}

	/** @throws if the task was cancelled, or has failed: then the tool's result does not count. */
	#requireRunning(): void {
		this.signal.throwIfAborted();
		if (this.#failure) throw this.#failure;
	}

	#fail(message: string): Error {
		return (this.#failure ??= taskError(message));
	}

	#updateWaiting(): void {
		const isWaiting = this.#waiting.size + this.#sleeping > 0 && !this.#journal.isBusy;
		this.#deps.onWaiting?.(isWaiting);
	}

	/** Changes the task after all changes before. */
	#change(change: (record: TaskRecord) => TaskPatch): void {
		const { host, record, store } = this.#deps;
		this.#writes = this.#writes
			.then(() => changeTask(store, record.name, change))
			.catch((error: unknown) => host.report(error));
	}
}

function stepOf({ name, kind, index, isConcurrent }: TaskStep): TaskStep {
	return { name, kind, index, isConcurrent };
}

function failed(code: number, message: string, data?: unknown): TaskPatch {
	const error = { code, message, ...(data !== undefined && { data }) };
	return { status: 'failed', statusMessage: message, error };
}

function bytesOf(value: unknown): number {
	return new TextEncoder().encode(JSON.stringify(value) ?? '').length;
}

function isSame(one: object, other: object): boolean {
	return JSON.stringify(one) === JSON.stringify(other);
}

function progressIn({ progress, total }: JsonObject): TaskPatch['progress'] {
	if (typeof progress !== 'number') return undefined;
	return typeof total === 'number' ? { progress, total } : { progress };
}

function progressText({ message, progress, total }: JsonObject): string {
	return typeof message === 'string' ? message : `${String(progress)} of ${String(total)}`;
}

function logText({ data }: JsonObject): string {
	return typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
}

/** Returns the fields of the `_meta` of a call that a task keeps: those that do not belong to the protocol. */
export function keptMetadata(message: unknown): JsonObject | undefined {
	const entries = Object.entries(metadataOf(message) ?? {}).filter(
		([key]) => !key.startsWith('io.modelcontextprotocol/') && key !== 'progressToken',
	);
	return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
