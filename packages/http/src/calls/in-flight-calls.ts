import type { RequestScope, ResumableStreams, SessionInboxes } from '@tmcp-sessions/core/backend';

import { CallProgress } from './call-progress.ts';
import { ENDED, InFlightCall, noClientResponse, RESUMED } from './in-flight-call.ts';
import type { DeliverResponse } from './in-flight-call.ts';
import { ResumableCall } from './resumable-call.ts';
import type { JsonObject, ServerRequest } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/** A call of this age can be cancelled from any isolate. Younger calls open no inbox. */
const REACHABLE_AFTER_MS = 1_000;
/** Workers have ended a request by then, without running any code of it. */
const LOST_AFTER_LEAVING_MS = 60_000;

/** Called when the stream of a call becomes resumable under this name. */
export type OnPrimed = (call: RequestScope, stream: string) => void;

/** What the registry of one transport's calls depends on. */
export interface InFlightCallsDeps {
	readonly inboxes: SessionInboxes;
	/** Stores the frames of calls, if clients can resume them. */
	readonly resumable: ResumableStreams | undefined;
	readonly clientResponseTimeoutMs: number;
	readonly deliverResponse: DeliverResponse;
	readonly onPrimed?: OnPrimed | undefined;
}

/**
 * Keeps the calls of this isolate that are not answered at once. Client responses and cancellations
 * arrive with other requests, in any isolate, and find their call by the session's inbox.
 */
export class InFlightCalls {
	readonly #deps: InFlightCallsDeps;
	readonly #calls = new Map<string, Set<InFlightCall>>();
	readonly #byContext = new WeakMap<RequestContext, InFlightCall>();

	constructor(deps: InFlightCallsDeps) {
		this.#deps = deps;
	}

	/** Creates the progress of a message that the transport is about to get. */
	createProgress(): CallProgress {
		return new CallProgress(this);
	}

	/** Lets the client cancel a call that was not answered at once, and resume its stream. */
	watch(context: RequestContext): void {
		const { messageId, progress, responseType, session } = context;
		if (!session || messageId === undefined || progress.isHandled) return;
		const call = this.#callOf(context);
		const makeReachable = async (): Promise<void> => {
			await call.openInbox();
			if (!progress.isHandled && responseType === 'sse') this.#prime(context);
		};
		const timer = setTimeout(() => context.waitUntil(makeReachable()), REACHABLE_AFTER_MS);
		context.waitUntil(progress.handled.then(() => clearTimeout(timer)));
	}

	/**
	 * Tells the isolate of a call that its client has resumed the stream.
	 *
	 * @returns how many inboxes took the message.
	 */
	async resumed(session: string, stream: string): Promise<number> {
		const message = JSON.stringify({ method: RESUMED, params: { stream } });
		return this.#deps.inboxes.deliver(session, message);
	}

	/**
	 * Cancels the calls of a session that has ended.
	 *
	 * @throws {StreamError} if the other isolates cannot be reached.
	 */
	async end(session: string): Promise<void> {
		await this.deliver(session, { method: ENDED });
	}

	/**
	 * Sends a request to the client under an id that is unguessable and valid for its session only.
	 *
	 * @param send writes the request to the stream of the call.
	 */
	sendRequest(
		context: RequestContext | undefined,
		request: ServerRequest,
		send: (sent: object) => void,
	): void {
		if (context?.session && context.messageId !== undefined && context.responseType === 'sse') {
			context.waitUntil(this.#callOf(context).sendRequest(request, send));
		} else {
			const reason = 'The client cannot be sent a request: this call has no session or no stream';
			this.#deps.deliverResponse(noClientResponse(request.id, reason));
		}
	}

	/**
	 * Delivers a client response or a cancellation to the calls of its session.
	 *
	 * @throws {StreamError} if the other isolates cannot be reached.
	 */
	async deliver(session: string, message: JsonObject): Promise<void> {
		for (const call of this.#calls.get(session) ?? []) {
			if (call.isCancelledBy(message)) call.cancel();
		}
		await this.#deps.inboxes.deliver(session, JSON.stringify(message));
	}

	#prime(context: RequestContext): void {
		const { onPrimed, resumable } = this.#deps;
		if (!resumable) return;
		const call = new ResumableCall(resumable, context.sessionId, (promise) =>
			context.waitUntil(promise),
		);
		onPrimed?.(context, call.name);
		context.progress.startResumable(call);
	}

	#callOf(context: RequestContext): InFlightCall {
		const known = this.#byContext.get(context);
		if (known) return known;
		this.#deleteLost();
		const { clientResponseTimeoutMs, deliverResponse, inboxes } = this.#deps;
		const call = new InFlightCall(context, inboxes, clientResponseTimeoutMs, deliverResponse);
		const { sessionId, progress } = context;
		const calls = this.#calls.get(sessionId) ?? new Set();
		this.#calls.set(sessionId, calls.add(call));
		this.#byContext.set(context, call);
		context.waitUntil(
			progress.handled.then(() => {
				call.end();
				calls.delete(call);
				this.#deleteIfEmpty(sessionId, calls);
			}),
		);
		return call;
	}

	/** Deletes calls that the platform ended with their request. A call that survives has its inbox. */
	#deleteLost(): void {
		const leftMs = Date.now() - LOST_AFTER_LEAVING_MS;
		for (const [session, calls] of this.#calls) {
			for (const call of calls) if (call.leftAtMs < leftMs) calls.delete(call);
			this.#deleteIfEmpty(session, calls);
		}
	}

	/** The session may have another set of calls by now. */
	#deleteIfEmpty(session: string, calls: ReadonlySet<InFlightCall>): void {
		if (calls.size === 0 && this.#calls.get(session) === calls) this.#calls.delete(session);
	}
}
