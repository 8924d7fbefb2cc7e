import type { SessionInbox, SessionInboxes } from '@tmcp-sessions/core/backend';

import { isCancellation, isClientResponse, methodOf, paramsOf } from '../request/json-rpc.ts';
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

/** Hands the server a client response, or the error that takes its place. */
export type DeliverResponse = (response: ClientResponse) => void;

interface OpenRequest {
	/** The server's own id: it counts 1, 2, 3 over all sessions. */
	readonly id: string | number;
	timer: ReturnType<typeof setTimeout>;
}

/** One call that was not answered at once: reachable from other isolates by its session's inbox. */
export class InFlightCall {
	readonly #context: RequestContext;
	readonly #inboxes: SessionInboxes;
	readonly #responseTimeoutMs: number;
	readonly #deliverResponse: DeliverResponse;
	/** Makes the ids of server requests unguessable: 122 random bits. */
	readonly #secret: string = crypto.randomUUID();
	readonly #openRequests = new Map<string, OpenRequest>();
	#inbox: Promise<SessionInbox> | undefined;
	#requestCancel: () => void = () => {};
	/** When the client disconnected, in milliseconds since the epoch. */
	leftAtMs: number = Number.POSITIVE_INFINITY;

	constructor(
		context: RequestContext,
		inboxes: SessionInboxes,
		responseTimeoutMs: number,
		deliverResponse: DeliverResponse,
	) {
		this.#context = context;
		this.#inboxes = inboxes;
		this.#responseTimeoutMs = responseTimeoutMs;
		this.#deliverResponse = deliverResponse;
		const { progress } = context;
		progress.onClientLeft(() => {
			this.#shortenTimeouts();
			progress.resumable?.moveAway();
		});
		// Another request may ask to cancel this one, but its streams must be touched by its own: workerd
		// runs the continuation of a promise in the request that awaits it.
		const cancelled = new Promise<void>((resolve) => (this.#requestCancel = resolve));
		context.waitUntil(Promise.race([progress.handled, cancelled.then(() => this.#cancelNow())]));
	}

	isCancelledBy(message: unknown): boolean {
		if (methodOf(message) === ENDED) return true;
		return isCancellation(message) && paramsOf(message).requestId === this.#context.messageId;
	}

	cancel(): void {
		this.#requestCancel();
	}

	/** Makes the call reachable from every isolate. */
	async openInbox(): Promise<void> {
		const { sessionId, progress } = this.#context;
		this.#inbox ??= this.#inboxes.openInbox(sessionId, (text) => this.#receive(text));
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
		const ms = Math.min(
			this.#responseTimeoutMs,
			this.leftAtMs + RESPONSE_AFTER_LEAVING_MS - Date.now(),
		);
		this.#openRequests.set(sentId, { id, timer: this.#failIn(sentId, Math.max(ms, 0)) });
		try {
			// Open the inbox first: the response may come as soon as the request is sent.
			await this.openInbox();
		} catch (error) {
			this.#context.report(error);
			this.#fail(sentId, 'Requests to the client cannot be sent now; try again later');
			return;
		}
		const { isHandled, signal } = this.#context.progress;
		if (isHandled || signal.aborted) this.#failAll('The call has ended');
		else if (this.#openRequests.has(sentId)) send({ ...request, id: sentId });
	}

	/** Ends the open server requests after the server has handled the call. */
	end(): void {
		this.#failAll('The call ended before the client responded');
		this.#inbox?.then(
			(inbox) => inbox.close(),
			() => {}, // Reported by what opened it.
		);
	}

	#receive(text: string): void {
		const message: unknown = JSON.parse(text);
		if (this.isCancelledBy(message)) this.cancel();
		const { resumable } = this.#context.progress;
		if (methodOf(message) === RESUMED && paramsOf(message)['stream'] === resumable?.name) {
			resumable?.moveAway();
		}
		if (!isClientResponse(message)) return;
		const open = this.#close(String(message.id));
		if (open) this.#deliverResponse({ ...message, id: open.id });
	}

	#cancelNow(): void {
		this.#context.progress.signal.abort();
		this.#failAll('The client cancelled the call');
	}

	/** A client that has disconnected may still respond to what it received, but not for long. */
	#shortenTimeouts(): void {
		this.leftAtMs = Date.now();
		for (const [sentId, open] of this.#openRequests) {
			clearTimeout(open.timer);
			const ms = Math.min(RESPONSE_AFTER_LEAVING_MS, this.#responseTimeoutMs);
			open.timer = this.#failIn(sentId, ms);
		}
	}

	#failIn(sentId: string, ms: number): ReturnType<typeof setTimeout> {
		const reason = `The client did not respond within ${ms / 1000} s`;
		return setTimeout(() => this.#fail(sentId, reason), ms);
	}

	#failAll(reason: string): void {
		for (const sentId of this.#openRequests.keys()) this.#fail(sentId, reason);
	}

	#fail(sentId: string, reason: string): void {
		const open = this.#close(sentId);
		if (open) this.#deliverResponse(noClientResponse(open.id, reason));
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
export function noClientResponse(
	id: string | number,
	message: string,
): { jsonrpc: '2.0'; id: string | number; error: { code: number; message: string } } {
	return { jsonrpc: '2.0', id, error: { code: -32001, message } };
}
