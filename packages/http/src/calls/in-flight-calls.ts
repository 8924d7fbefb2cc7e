import type { ResumableStreams, SessionInbox, SessionInboxes } from '@tmcp-sessions/core/backend';

import { ResumableCall } from './resumable-call.ts';
import { idOf, isClientResponse, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { HandlerSeams } from '../endpoint/handler-seams.ts';
import type { Answer, JsonObject, Question } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** A call this old can be cancelled from any isolate: younger ones shall cost nothing. */
const REACHABLE_AFTER_MS = 1_000;
/** On Workers, what goes on after a client has left has 30 s: its questions end before. */
const ANSWER_AFTER_LEAVING_MS = 20_000;
/** By then Workers have ended what went on, and nobody is told. */
const LOST_AFTER_LEAVING_MS = 60_000;

/** Between isolates: a client has come back for the stream of a call. */
const RESUMED = 'tmcp-sessions/resumed';
/** Between isolates: there is nobody left to answer to. */
const ENDED = 'tmcp-sessions/ended';

/** Hands the server an answer of its client, or the error that stands for one. */
export type TakeAnswer = (answer: Answer) => void;

/**
 * The calls of this isolate that take a while. Their clients' answers and cancellations come with
 * requests of their own, in any isolate, and find them by the session's inbox.
 */
export class InFlightCalls {
	readonly #inboxes: SessionInboxes;
	readonly #resumable: ResumableStreams | undefined;
	readonly #clientResponseTimeoutMs: number;
	readonly #takeAnswer: TakeAnswer;
	readonly #onPrimed: HandlerSeams['onPrimed'];
	readonly #calls = new Map<string, Set<InFlightCall>>();
	readonly #byWork = new WeakMap<RequestContext, InFlightCall>();

	constructor(
		inboxes: SessionInboxes,
		resumable: ResumableStreams | undefined,
		clientResponseTimeoutMs: number,
		takeAnswer: TakeAnswer,
		onPrimed: HandlerSeams['onPrimed'],
	) {
		this.#onPrimed = onPrimed;
		this.#inboxes = inboxes;
		this.#resumable = resumable;
		this.#clientResponseTimeoutMs = clientResponseTimeoutMs;
		this.#takeAnswer = takeAnswer;
	}

	/** Lets the client cancel a call that was not answered at once, and come back for its answer. */
	watch(work: RequestContext): void {
		if (!work.sessionId || work.messageId === undefined || work.isHandled) return;
		const call = this.#callOf(work);
		const reach = async (): Promise<void> => {
			await call.listen();
			if (!work.isHandled && work.responseType === 'sse') this.#prime(work);
		};
		const timer = setTimeout(() => work.waitUntil(reach()), REACHABLE_AFTER_MS);
		work.waitUntil(work.handled.then(() => clearTimeout(timer)));
	}

	/** A client has come back for what a call says: whoever works on it must know. */
	async resumed(session: string, stream: string): Promise<number> {
		return this.#inboxes.deliver(session, JSON.stringify({ method: RESUMED, params: { stream } }));
	}

	/**
	 * Cancels the calls of a session whose client has left for good.
	 *
	 * @throws {StreamError} where the other isolates cannot be reached.
	 */
	async end(session: string): Promise<void> {
		await this.deliver(session, { method: ENDED });
	}

	#prime(work: RequestContext): void {
		if (!this.#resumable) return;
		work.resumableCall = new ResumableCall(this.#resumable, work.sessionId, (keeping) =>
			work.waitUntil(keeping),
		);
		this.#onPrimed?.(work, work.resumableCall.name);
		work.onPrimed();
	}

	/**
	 * Asks the client, under an id that nobody can guess and that is good for its session alone.
	 *
	 * @param send puts the question on the stream of the call.
	 */
	ask(work: RequestContext | undefined, question: Question, send: (sent: object) => void): void {
		const { id } = question;
		if (work?.sessionId && work.messageId !== undefined && work.responseType === 'sse') {
			work.waitUntil(this.#callOf(work).ask(question, send));
		} else {
			this.#takeAnswer(noClientResponse(id, 'There is no stream of a call to ask the client on'));
		}
	}

	/**
	 * Hands on what a client says of the calls of its session.
	 *
	 * @param message an answer or a cancellation; nothing else that a client sends.
	 * @throws {StreamError} where the other isolates cannot be reached.
	 */
	async deliver(session: string, message: JsonObject): Promise<void> {
		for (const call of this.#calls.get(session) ?? []) {
			if (call.isCancelledBy(message)) call.cancel();
		}
		await this.#inboxes.deliver(session, JSON.stringify(message));
	}

	#callOf(work: RequestContext): InFlightCall {
		const known = this.#byWork.get(work);
		if (known) return known;
		this.#forgetLost();
		const call = new InFlightCall(
			work,
			this.#inboxes,
			this.#clientResponseTimeoutMs,
			this.#takeAnswer,
		);
		const calls = this.#calls.get(work.sessionId) ?? new Set();
		this.#calls.set(work.sessionId, calls.add(call));
		this.#byWork.set(work, call);
		work.waitUntil(
			work.handled.then(() => {
				call.end();
				calls.delete(call);
				this.#forgetIfEmpty(work.sessionId, calls);
			}),
		);
		return call;
	}

	/** Of a call that was ended with its request, nobody says so. One that goes on has its inbox. */
	#forgetLost(): void {
		const leftMs = Date.now() - LOST_AFTER_LEAVING_MS;
		for (const [session, calls] of this.#calls) {
			for (const call of calls) if (call.leftAtMs < leftMs) calls.delete(call);
			this.#forgetIfEmpty(session, calls);
		}
	}

	/** Its session may have others by now. */
	#forgetIfEmpty(session: string, calls: ReadonlySet<InFlightCall>): void {
		if (calls.size === 0 && this.#calls.get(session) === calls) this.#calls.delete(session);
	}
}

/** A notification that says: stop working on a request. */
export function isCancellation(message: unknown): message is JsonObject {
	return methodOf(message) === 'notifications/cancelled' && idOf(message) === undefined;
}

interface OpenQuestion {
	/** As the server knows it: 1, 2, 3 for all sessions. */
	readonly id: string | number;
	timer: ReturnType<typeof setTimeout>;
}

class InFlightCall {
	readonly #work: RequestContext;
	readonly #inboxes: SessionInboxes;
	readonly #clientResponseTimeoutMs: number;
	readonly #takeAnswer: TakeAnswer;
	/** Part of the ids of its questions: 122 random bits. */
	readonly #secret: string = crypto.randomUUID();
	readonly #questions = new Map<string, OpenQuestion>();
	#inbox: Promise<SessionInbox> | undefined;
	/** When its client has left, milliseconds since the epoch. */
	leftAtMs = Number.POSITIVE_INFINITY;
	#requestCancel: () => void = () => {};

	constructor(
		work: RequestContext,
		inboxes: SessionInboxes,
		clientResponseTimeoutMs: number,
		takeAnswer: TakeAnswer,
	) {
		this.#work = work;
		this.#inboxes = inboxes;
		this.#clientResponseTimeoutMs = clientResponseTimeoutMs;
		this.#takeAnswer = takeAnswer;
		work.onClientLeft = () => {
			this.#hurry();
			work.resumableCall?.moveAway();
		};
		// Another request may wish to cancel this one, but only its own may touch its streams:
		// workerd runs what follows a promise in the request that waits for it.
		const cancelled = new Promise<void>((resolve) => (this.#requestCancel = resolve));
		work.waitUntil(Promise.race([work.handled, cancelled.then(() => this.#cancelNow())]));
	}

	isCancelledBy(message: unknown): boolean {
		if (methodOf(message) === ENDED) return true;
		return isCancellation(message) && paramsOf(message).requestId === this.#work.messageId;
	}

	cancel(): void {
		this.#requestCancel();
	}

	/** Makes the call reachable from every isolate. */
	async listen(): Promise<void> {
		this.#inbox ??= this.#inboxes.openInbox(this.#work.sessionId, (text) => this.#take(text));
		try {
			const inbox = await this.#inbox;
			if (this.#work.isHandled) inbox.close();
		} catch (error) {
			// The next question may have more luck.
			this.#inbox = undefined;
			throw error;
		}
	}

	async ask(question: Question, send: (sent: object) => void): Promise<void> {
		const { id } = question;
		const asked = `${this.#secret}.${id}`;
		const ms = Math.min(
			this.#clientResponseTimeoutMs,
			this.leftAtMs + ANSWER_AFTER_LEAVING_MS - Date.now(),
		);
		this.#questions.set(asked, { id, timer: this.#endIn(asked, Math.max(ms, 0)) });
		try {
			// The answer may come as soon as the question is out.
			await this.listen();
		} catch (error) {
			this.#work.report(error);
			this.#endOne(asked, 'The client cannot be asked now; try again later');
			return;
		}
		if (this.#work.isHandled || this.#work.signal.aborted) this.#endAll('The call has ended');
		else if (this.#questions.has(asked)) send({ ...question, id: asked });
	}

	/** When the server is through with the call. */
	end(): void {
		this.#endAll('The call ended before the client answered');
		this.#inbox?.then(
			(inbox) => inbox.close(),
			() => {}, // Whoever opened it was told.
		);
	}

	#take(text: string): void {
		const message: unknown = JSON.parse(text);
		if (this.isCancelledBy(message)) this.cancel();
		const { resumableCall } = this.#work;
		if (methodOf(message) === RESUMED && paramsOf(message)['stream'] === resumableCall?.name) {
			resumableCall?.moveAway();
		}
		if (!isClientResponse(message)) return;
		const asked = String(message.id);
		const question = this.#questions.get(asked);
		if (!question) return;
		clearTimeout(question.timer);
		this.#questions.delete(asked);
		this.#takeAnswer({ ...message, id: question.id });
	}

	#cancelNow(): void {
		this.#work.signal.abort();
		this.#endAll('The client cancelled the call');
	}

	/** A client that has left may still answer what it saw, but not for long. */
	#hurry(): void {
		this.leftAtMs = Date.now();
		for (const [asked, question] of this.#questions) {
			clearTimeout(question.timer);
			question.timer = this.#endIn(
				asked,
				Math.min(ANSWER_AFTER_LEAVING_MS, this.#clientResponseTimeoutMs),
			);
		}
	}

	#endIn(asked: string, ms: number): ReturnType<typeof setTimeout> {
		return setTimeout(
			() => this.#endOne(asked, `The client did not answer within ${ms / 1000} s`),
			ms,
		);
	}

	#endAll(reason: string): void {
		for (const asked of this.#questions.keys()) this.#endOne(asked, reason);
	}

	#endOne(asked: string, reason: string): void {
		const question = this.#questions.get(asked);
		if (!question) return;
		clearTimeout(question.timer);
		this.#questions.delete(asked);
		this.#takeAnswer(noClientResponse(question.id, reason));
	}
}

/** The error that stands for an answer. */
export function noClientResponse(
	id: string | number,
	message: string,
): { jsonrpc: '2.0'; id: string | number; error: { code: number; message: string } } {
	return { jsonrpc: '2.0', id, error: { code: -32001, message } };
}
