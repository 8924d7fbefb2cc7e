import type { SessionInbox, SessionInboxes } from '@tmcp-sessions/core/backend';
import { newCallStream } from '@tmcp-sessions/core/internal';

import {
	errorResponse,
	isCancellation,
	isClientResponse,
	methodOf,
	paramsOf,
} from '../request/json-rpc.ts';
import type { ClientResponse, ServerRequest } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';

/**
 * Workers end a request's promises 30 s after its client has disconnected: server requests that are
 * open then end before that.
 */
const RESPONSE_AFTER_LEAVING_MS = 20_000;

/** Sent between isolates: the client has resumed the stream of a call. */
export const RESUMED = 'tmcp-sessions/resumed';
/** Sent between isolates: the session has ended. */
export const ENDED = 'tmcp-sessions/ended';

/** What an in-flight call needs to send its client requests. */
export interface ServerRequestDeps {
	readonly inboxes: SessionInboxes;
	readonly clientResponseTimeoutMs: number;
	/** Hands the server a client response, or the error that takes its place. */
	readonly deliverResponse: (response: ClientResponse) => void;
}

interface OpenRequest {
	/** The server's own id: it counts 1, 2, 3 over all sessions. */
	readonly id: string | number;
	timer: ReturnType<typeof setTimeout>;
}

/** One call that was not answered at once: reachable from other isolates by its session's inbox. */
export class InFlightCall {
	readonly #context: RequestContext;
	readonly #deps: ServerRequestDeps;
	/** Makes the ids of server requests unguessable: 122 random bits. */
	readonly #secret: string = crypto.randomUUID();
	readonly #openRequests = new Map<string, OpenRequest>();
	readonly #cancel: () => void;
	#inbox: Promise<SessionInbox> | undefined;
	#stream: { readonly name: string | undefined } | undefined;
	/** When the client disconnected, in milliseconds since the epoch. */
	leftAtMs: number = Infinity;

	constructor(context: RequestContext, deps: ServerRequestDeps) {
		this.#context = context;
		this.#deps = deps;
		const { progress } = context;
		progress.onClientLeft(() => {
			this.leftAtMs = Date.now();
			for (const [sentId, open] of this.#openRequests) {
				clearTimeout(open.timer);
				open.timer = this.#startTimer(sentId);
			}
			progress.resumable?.moveAway();
		});
		// Another request may ask to cancel this one, but its streams must be touched by its own: workerd
		// runs the continuation of a promise in the request that awaits it.
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#cancel = resolve;
		const cancelled = promise.then(() => {
			// Afterwards the response is on its way, and must not be cut off.
			if (!progress.isHandled) progress.signal.abort();
			this.#failAll('The client cancelled the call');
		});
		context.waitUntil(Promise.race([progress.handled, cancelled]));
	}

	/** The name of the call's resumable stream; undefined if its id is too long to be resumed. */
	get streamName(): string | undefined {
		const { messageId = '' } = this.#context;
		return (this.#stream ??= { name: newCallStream(messageId) }).name;
	}

	/**
	 * Cancels the call if a message is its cancellation, or the end of its session.
	 *
	 * @returns whether it is.
	 */
	cancelIf(message: unknown): boolean {
		const { messageId } = this.#context;
		const isOurs = isCancellation(message) && paramsOf(message).requestId === messageId;
		if (!isOurs && methodOf(message) !== ENDED) return false;
		this.#cancel();
		return true;
	}

	/** Makes the call reachable from every isolate. */
	async openInbox(): Promise<void> {
		const { sessionId, progress } = this.#context;
		this.#inbox ??= this.#deps.inboxes.openInbox(
			sessionId,
			(text) => this.#receive(text),
			this.streamName,
		);
		try {
			const inbox = await this.#inbox;
			if (progress.isHandled) inbox.close();
		} catch (error) {
			// Let the next server request try again.
			this.#inbox = undefined;
			throw error;
		}
	}

	async sendRequest(request: ServerRequest, send: (sent: object) => void): Promise<void> {
		const { id } = request;
		const sentId = `${this.#secret}.${id}`;
		this.#openRequests.set(sentId, { id, timer: this.#startTimer(sentId) });
		try {
			// Open the inbox first: the response may come as soon as the request is sent.
			await this.openInbox();
		} catch (error) {
			this.#context.report(error);
			this.#fail(sentId, 'The client cannot be sent a request now; try again later');
			return;
		}
		const { isHandled, signal } = this.#context.progress;
		if (isHandled || signal.aborted) this.#failAll('The call has ended');
		else if (this.#openRequests.has(sentId)) send({ ...request, id: sentId });
	}

	/**
	 * Ends the open server requests after the server has handled the call. Closes the inbox once the
	 * response is stored: a call without an inbox and without a response counts as lost.
	 */
	async end(): Promise<void> {
		this.#failAll('The call ended before the client responded');
		await this.#context.progress.resumable?.ended;
		const inbox = await this.#inbox?.catch(() => undefined); // Reported by what opened it.
		inbox?.close();
	}

	#receive(text: string): void {
		const message: unknown = JSON.parse(text);
		this.cancelIf(message);
		const { resumable } = this.#context.progress;
		if (methodOf(message) === RESUMED && paramsOf(message)['stream'] === resumable?.name) {
			resumable?.moveAway();
		}
		if (!isClientResponse(message)) return;
		const open = this.#close(String(message.id));
		if (open) this.#deps.deliverResponse({ ...message, id: open.id });
	}

	/** A client that has disconnected may still respond to what it received, but not for long. */
	#startTimer(sentId: string): OpenRequest['timer'] {
		const remainingMs = this.leftAtMs + RESPONSE_AFTER_LEAVING_MS - Date.now();
		const ms = Math.max(Math.min(this.#deps.clientResponseTimeoutMs, remainingMs), 0);
		const reason = `The client did not respond within ${ms / 1000} s`;
		return setTimeout(() => this.#fail(sentId, reason), ms);
	}

	#failAll(reason: string): void {
		for (const sentId of this.#openRequests.keys()) this.#fail(sentId, reason);
	}

	#fail(sentId: string, reason: string): void {
		const open = this.#close(sentId);
		if (open) this.#deps.deliverResponse(noClientResponse(open.id, reason));
	}

	#close(sentId: string): OpenRequest | undefined {
		const open = this.#openRequests.get(sentId);
		if (!open) return undefined;
		clearTimeout(open.timer);
		this.#openRequests.delete(sentId);
		return open;
	}
}

/** Creates the error that takes the place of a client response. */
export function noClientResponse(id: string | number, message: string): ClientResponse {
	return errorResponse(id, -32001, message);
}
