import type { StoreError, StreamError } from '@tmcp-sessions/core';

import type { JsonObject } from '../request/json-rpc.ts';
import { CallSignal } from './call-signal.ts';
import { ListeningStream } from '../response/listening-stream.ts';
import { DirectCall } from './direct-call.ts';
import type { ResumableCall } from './resumable-call.ts';

type Deferred = ReturnType<typeof Promise.withResolvers<void>>;

/**
 * How far the server has come with one message. Changed only by the methods below: the context of the
 * request has it as `Readonly`.
 */
export class CallProgress {
	/** Aborted when the client cancels the call. */
	readonly signal: CallSignal = new CallSignal();
	/** What created this: two transports of one server tell their calls apart by it. */
	readonly owner: object;
	/** Whether the server has the message. */
	hasBegun = false;
	/** Whether the server has handled the message: no further frame will be sent for it. */
	isHandled = false;
	/** Whether the server has sent a frame, which the response must follow on the stream. */
	hasSentFrame = false;
	/** Whether a write has found the client gone. It may resume the call. */
	hasClientLeft = false;
	/** Why the message must not be handled, or was handled in vain: a backend is down. */
	failure: StoreError | StreamError | undefined;
	/** The response, if it was withheld from the transport's stream. */
	response: JsonObject | undefined;
	/** The response of the server, also if it was not withheld. Known when the message is handled. */
	answered: unknown;
	/** The call that the server got before the transport. */
	direct: DirectCall | undefined;
	/** Receives what the server sends during a call that has no client. */
	onFrame: ((frame: JsonObject) => void) | undefined;
	/** The manager's end of the stream that the message opened, if it is one of a session. */
	listening: ListeningStream | undefined;
	/** Numbers the frames of the call once its client can resume it. */
	resumable: ResumableCall | undefined;

	// Created on demand: most calls are answered before anything waits for these.
	#begun: Deferred | undefined;
	#handled: Deferred | undefined;
	#onClientLeft: (() => void) | undefined;
	#onPrimed: (() => void) | undefined;

	constructor(owner: object) {
		this.owner = owner;
	}

	/** Settles when the server gets the message. Never rejects. */
	get begun(): Promise<void> {
		if (this.hasBegun) return Promise.resolve();
		return (this.#begun ??= Promise.withResolvers<void>()).promise;
	}

	/** Settles when the server has handled the message. Never rejects. */
	get handled(): Promise<void> {
		if (this.isHandled) return Promise.resolve();
		return (this.#handled ??= Promise.withResolvers<void>()).promise;
	}

	markBegun(): void {
		this.hasBegun = true;
		this.#begun?.resolve();
	}

	markHandled(): void {
		this.isHandled = true;
		this.#handled?.resolve();
	}

	markFrameSent(): void {
		this.hasSentFrame = true;
	}

	/** Makes the server's `receive` reject with this instead of its own result. */
	fail(error: StoreError | StreamError): void {
		this.failure = error;
	}

	/** Withholds the response from the transport's stream. */
	withhold(response: JsonObject): void {
		this.response = response;
	}

	/** Notes the response that the server has returned. */
	markAnswered(response: unknown): void {
		this.answered = response;
	}

	/** Notes that the server gets the message before the transport. */
	startDirect(): DirectCall {
		return (this.direct = new DirectCall());
	}

	/** Returns the controller for the stream manager, of the transport's stream. */
	startListening(controller: ReadableStreamDefaultController): ListeningStream {
		return (this.listening = new ListeningStream(controller));
	}

	/** Makes the call resumable. */
	startResumable(call: ResumableCall): void {
		this.resumable = call;
		this.#onPrimed?.();
	}

	/** @param listener called when the call becomes resumable. Replaces the one before. */
	onPrimed(listener: () => void): void {
		this.#onPrimed = listener;
	}

	/** @param listener called when a write finds the client gone. Replaces the one before. */
	onClientLeft(listener: () => void): void {
		this.#onClientLeft = listener;
	}

	/** Notes that a write found the client gone. */
	markClientLeft(): void {
		this.hasClientLeft = true;
		this.#onClientLeft?.();
	}
}
