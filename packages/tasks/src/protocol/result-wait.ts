import { messageFrame } from '@tmcp-sessions/core/backend';
import { errorMessage, HttpRejection } from '@tmcp-sessions/http/internal';
import type { JsonObject, RequestContext } from '@tmcp-sessions/http/internal';

import { outstandingInputs } from '../task/deliver-responses.ts';
import { hasEnded } from '../task/task-record.ts';
import type { TaskRecord } from '../task/task-record.ts';
import { response, STREAM_HEADERS } from './answered.ts';
import { progressNotification, statusNotification, withRelatedTask } from './session-wire.ts';
import { taskRequest } from './task-requests.ts';
import { unknownTask } from './task-service.ts';
import type { KnownTask, TaskService } from './task-service.ts';

/** How often a task is read again, in case that the store has lost the observer. */
const CHECK_MS = 5 * 60_000;
/** Clocks may differ. */
const TIMER_MARGIN_MS = 500;
const ENDED_EARLY = -32001;
const CALL_AGAIN = 'call tasks/result again for the result';

/** What a blocked `tasks/result` depends on. */
export interface ResultWaitDeps {
	readonly context: RequestContext;
	readonly service: TaskService;
	readonly task: KnownTask;
	/** Returns the time in milliseconds since the epoch. */
	readonly now: () => number;
}

/**
 * A `tasks/result` that waits for the end of its task. Its stream carries the questions, the progress and
 * the changes of the task.
 */
export class ResultWait {
	readonly #deps: ResultWaitDeps;
	readonly #states: TaskRecord[] = [];
	readonly #asked = new Set<string>();
	#changed = Promise.withResolvers<void>();
	#isDue = false;
	#isClosed = false;
	#failure: HttpRejection | undefined;
	#last: TaskRecord | undefined;
	#progress = -Infinity;

	constructor(deps: ResultWaitDeps) {
		this.#deps = deps;
	}

	/**
	 * Answers the request.
	 *
	 * @param onEnd called when it has been answered.
	 */
	respond(onEnd: () => void): Response {
		const { context } = this.#deps;
		const { progress } = context;
		progress.markBegun();
		const encoder = new TextEncoder();
		const body = new ReadableStream<Uint8Array>({
			start: (controller) => {
				const write = (frame: JsonObject): void => {
					if (this.#isClosed) return;
					progress.markFrameSent();
					controller.enqueue(encoder.encode(messageFrame(frame)));
				};
				const waiting = this.#wait(write).then(
					(outcome) => outcome && progress.withhold(outcome),
					(error: unknown) => {
						if (!(error instanceof HttpRejection)) context.report(error);
						progress.withhold(errorMessage(error, context.messageId));
					},
				);
				context.waitUntil(
					waiting.finally(() => {
						progress.markHandled();
						if (!this.#isClosed) controller.close();
						onEnd();
					}),
				);
			},
			cancel: () => {
				this.#isClosed = true;
				this.#changed.resolve();
			},
		});
		return new Response(body, { headers: STREAM_HEADERS });
	}

	/** Ends the request with an error, after which the client may call again. */
	end(reason: string): void {
		this.#failure ??= new HttpRejection(200, ENDED_EARLY, `${reason}; ${CALL_AGAIN}`);
		this.#changed.resolve();
	}

	/** Returns the response; `undefined` if the client has cancelled the request. */
	async #wait(write: (frame: JsonObject) => void): Promise<JsonObject | undefined> {
		const { context, service, task } = this.#deps;
		const { signal } = context.progress;
		const stop = await service.watch(task.record.name, (record) => {
			this.#states.push(record);
			this.#changed.resolve();
		});
		if (!stop) throw unknownTask();
		signal.addEventListener('abort', () => this.#changed.resolve());
		let timer = this.#startTimer();
		try {
			for (;;) {
				for (const record of this.#states.splice(0)) {
					if (hasEnded(record)) return finalResponse(context, task.taskId, record);
					this.#send(record, write);
				}
				if (this.#isClosed || signal.aborted) return undefined;
				if (this.#failure) throw this.#failure;
				await this.#changed.promise;
				this.#changed = Promise.withResolvers<void>();
				if (this.#isDue) {
					await this.#check();
					timer = this.#startTimer();
				}
			}
		} finally {
			clearTimeout(timer);
			stop();
		}
	}

	/** The timer also keeps workerd from ending the request as hung while it waits for another request. */
	#startTimer(): ReturnType<typeof setTimeout> {
		const { now, task } = this.#deps;
		this.#isDue = false;
		const remainingMs = Math.max(task.record.expiresAtMs - now(), 0) + TIMER_MARGIN_MS;
		return setTimeout(
			() => {
				this.#isDue = true;
				this.#changed.resolve();
			},
			Math.min(CHECK_MS, remainingMs),
		);
	}

	/** @throws {HttpRejection} if the task has expired meanwhile. */
	async #check(): Promise<void> {
		const { context, service, task } = this.#deps;
		const record = await service.current(task.record.name);
		if (!record) throw unknownTask();
		this.#states.push(record);
		// A client that resumes the stream is not seen here. It gets the error, and calls again.
		if (context.progress.hasClientLeft && !hasEnded(record)) this.end('The client has left');
	}

	/** Sends what has changed. */
	#send(record: TaskRecord, write: (frame: JsonObject) => void): void {
		const { taskId } = this.#deps.task;
		const last = this.#last;
		if (last && last.revision >= record.revision) return;
		this.#last = record;
		const progress = progressNotification(taskId, record);
		if (progress && record.progress && record.progress.progress > this.#progress) {
			this.#progress = record.progress.progress;
			write(progress);
		}
		if (last && (last.status !== record.status || last.statusMessage !== record.statusMessage)) {
			write(statusNotification(taskId, record));
		}
		for (const input of outstandingInputs(record)) {
			if (this.#asked.has(input.key)) continue;
			this.#asked.add(input.key);
			write(taskRequest(taskId, input));
		}
	}
}

/** Returns what the call of a task that has ended would have returned. */
export function finalResponse(
	context: RequestContext,
	taskId: string,
	{ error, result, status }: TaskRecord,
): JsonObject {
	if (status === 'completed') return response(context, withRelatedTask(result ?? {}, taskId));
	const cancelled = { code: ENDED_EARLY, message: 'The task was cancelled' };
	return { jsonrpc: '2.0', id: context.messageId ?? null, error: error ?? cancelled };
}
