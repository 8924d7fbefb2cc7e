import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { sleep } from '@tmcp-sessions/core/backend';
import type { RequestScope, ResumableStreams } from '@tmcp-sessions/core/backend';
import { hasSessionInboxes } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';

import { InFlightCall, noClientResponse, RESUMED } from './in-flight-call.ts';
import type { ServerRequestDeps } from './in-flight-call.ts';
import { ResumableCall } from './resumable-call.ts';
import { isCancellation } from '../request/json-rpc.ts';
import type { ClientResponse, JsonObject, ServerRequest } from '../request/json-rpc.ts';
import { currentContext } from '../request/request-context.ts';
import type { RequestContext } from '../request/request-context.ts';

/** Pauses between attempts to open the inbox of a call whose object cannot be reached. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 15_000;
/** A call of this age can be cancelled from any isolate. Younger calls open no inbox. */
const REACHABLE_AFTER_MS = 1_000;
/** By then a call that is younger than a second has opened its inbox, and gets its cancellation. */
const CANCEL_AGAIN_AFTER_MS = 2 * REACHABLE_AFTER_MS;
/** Workers have ended a request by then, without running any code of it. */
const LOST_AFTER_LEAVING_MS = 60_000;

/** Called when the stream of a call becomes resumable under this name. */
export type OnPrimed = (call: RequestScope, stream: string) => void;

/** Takes the responses to server requests. */
export interface ResponseReceiver {
	receive(response: never): unknown;
}

/** What the registry of one transport's calls is created from. */
export interface InFlightCallsOptions {
	readonly streams: StreamSessionManager;
	/** Stores the frames of calls, if clients can resume them. */
	readonly resumable?: ResumableStreams | undefined;
	readonly clientResponseTimeoutMs: number;
	readonly onPrimed?: OnPrimed | undefined;
	readonly report: (error: unknown) => void;
}

/**
 * Keeps the calls of this isolate that are not answered at once. Client responses and cancellations
 * arrive with other requests, in any isolate, and find their call by the session's inbox.
 */
export class InFlightCalls {
	readonly #options: InFlightCallsOptions;
	readonly #deps: ServerRequestDeps;
	readonly #calls = new Map<string, Set<InFlightCall>>();
	readonly #byContext = new WeakMap<RequestContext, InFlightCall>();

	constructor(server: ResponseReceiver, options: InFlightCallsOptions) {
		const { clientResponseTimeoutMs, report, streams } = options;
		// Async because the server throws at once for an invalid response.
		const receive = async (response: ClientResponse): Promise<unknown> =>
			// Safe because the server checks it.
			server.receive(response as never);
		this.#options = options;
		this.#deps = {
			clientResponseTimeoutMs,
			// A manager without inboxes connects no isolates: client responses find the calls of their own.
			inboxes: hasSessionInboxes(streams) ? streams : new InMemoryStreamSessionManager(),
			deliverResponse(response) {
				const invalid = noClientResponse(response.id, 'The client sent an invalid response');
				receive(response)
					.catch(() => receive(invalid))
					.catch(report);
			},
		};
	}

	/** Lets the client cancel a call that was not answered at once, and resume its stream. */
	watch(context: RequestContext): void {
		const { messageId, progress, session } = context;
		if (!session || messageId === undefined || progress.isHandled) return;
		const call = this.#callOf(context);
		let timer: ReturnType<typeof setTimeout>;
		let pauseMs = FIRST_PAUSE_MS;
		const makeReachable = async (): Promise<void> => {
			try {
				await call.openInbox();
				this.#prime(context, call);
			} catch (error) {
				// Otherwise the call could not be cancelled or resumed for as long as it lasts.
				if (pauseMs === FIRST_PAUSE_MS) context.report(error);
				if (progress.isHandled) return;
				start(pauseMs);
				pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
			}
		};
		const start = (ms: number): void => {
			timer = setTimeout(() => context.waitUntil(makeReachable()), ms);
		};
		start(REACHABLE_AFTER_MS);
		context.waitUntil(progress.handled.then(() => clearTimeout(timer)));
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
	 * Delivers a message to the calls of its session, in all isolates: a client response, a cancellation,
	 * or one of the messages between isolates. A cancellation of a call that does not run here is
	 * delivered once more, since young calls have no inbox.
	 *
	 * @returns how many inboxes took the message.
	 * @throws {StreamError} if the other isolates cannot be reached.
	 */
	async deliver(session: string, message: JsonObject): Promise<number> {
		let isHere = false;
		for (const call of this.#calls.get(session) ?? []) isHere = call.cancelIf(message) || isHere;
		const text = JSON.stringify(message);
		if (!isHere && isCancellation(message) && hasSessionInboxes(this.#options.streams)) {
			currentContext()?.waitUntil(this.#deliverLater(session, text));
		}
		return this.#deps.inboxes.deliver(session, text);
	}

	async #deliverLater(session: string, text: string): Promise<void> {
		await sleep(CANCEL_AGAIN_AFTER_MS);
		await this.#deps.inboxes.deliver(session, text);
	}

	/**
	 * Tells the isolate of a call that its client has resumed the stream.
	 *
	 * @returns false if the call is lost: no isolate runs it, and its response is not stored.
	 * @throws {StreamError} if the other isolates cannot be reached.
	 */
	async resume(session: string, stream: string): Promise<boolean> {
		const message = JSON.stringify({ method: RESUMED, params: { stream } });
		if ((await this.#deps.inboxes.deliver(session, message, stream)) > 0) return true;
		// Without inboxes the isolate that runs it cannot be asked.
		return !hasSessionInboxes(this.#options.streams);
	}

	/** Makes a call resumable that has an inbox. */
	#prime(context: RequestContext, { streamName }: InFlightCall): void {
		const { onPrimed, resumable } = this.#options;
		const { isBatched, progress, responseType, sessionId } = context;
		const hasEnded = progress.isHandled || progress.signal.aborted;
		if (!resumable || streamName === undefined || hasEnded) return;
		if (responseType !== 'sse' || isBatched) return;
		const call = new ResumableCall(streamName, resumable, sessionId, (promise) =>
			context.waitUntil(promise),
		);
		onPrimed?.(context, call.name);
		progress.startResumable(call);
	}

	#callOf(context: RequestContext): InFlightCall {
		const known = this.#byContext.get(context);
		if (known) return known;
		this.#deleteLost();
		const call = new InFlightCall(context, this.#deps);
		const { sessionId, progress } = context;
		const calls = this.#calls.get(sessionId) ?? new Set();
		this.#calls.set(sessionId, calls.add(call));
		this.#byContext.set(context, call);
		context.waitUntil(
			progress.handled.then(() => {
				calls.delete(call);
				this.#deleteIfEmpty(sessionId, calls);
				return call.end();
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
