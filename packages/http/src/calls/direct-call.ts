import { AsyncLocalStorage } from 'node:async_hooks';

import { onAbort } from './on-abort.ts';

/**
 * A request that the server got before the transport. If it is not answered at once, the transport
 * gets the request too and takes over the call that the server has begun.
 */
export class DirectCall {
	/** Whether the server has settled the request. */
	isSettled = false;
	/**
	 * Sends a frame in the async context in which the transport finds the stream of this request.
	 * Undefined until the transport has taken over.
	 */
	sendNow: ((send: () => void) => void) | undefined;
	readonly #abort = new AbortController();
	/** Aborted when the client cancels the call, which it can do once the transport has it. */
	readonly signal: AbortSignal = this.#abort.signal;
	/** Sends of the server from before there was a stream. */
	readonly #deferredSends: (() => void)[] = [];
	#receiving: Promise<unknown> | undefined;
	#onSend: (() => void) | undefined;

	/** @param receiving what the server answers, or fails with. */
	begin(receiving: Promise<unknown>): void {
		this.#receiving = receiving;
		const settle = (): void => {
			this.isSettled = true;
		};
		// A failure is handled by what answers the request.
		receiving.then(settle, settle);
	}

	/**
	 * Notes that the request was answered without the transport. Frames of background promises that
	 * outlive the call are dropped, as on a stream that has ended.
	 */
	end(): void {
		this.sendNow = () => {};
	}

	/** Sends a frame as soon as there is a stream. */
	send(send: () => void): void {
		if (this.sendNow) return this.sendNow(send);
		this.#deferredSends.push(send);
		this.#onSend?.();
	}

	/** Waits until the server has settled the request or sends a frame, for at most this time. */
	async settledWithin(ms: number): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<unknown>();
		this.#onSend = () => resolve(undefined);
		this.#receiving?.then(resolve, resolve);
		// Also keeps workerd from ending the request as hung while it awaits another request.
		const timer = setTimeout(resolve, ms);
		if (this.#deferredSends.length === 0) await promise;
		clearTimeout(timer);
	}

	/**
	 * Connects the call to the transport's stream, in whose async context this must run.
	 *
	 * @param signal the transport's, aborted when the client cancels.
	 * @returns what the server answers.
	 */
	takeOver(signal: AbortSignal | undefined): Promise<unknown> {
		if (signal) onAbort(signal, () => this.#abort.abort());
		this.sendNow = AsyncLocalStorage.snapshot();
		for (const send of this.#deferredSends.splice(0)) send();
		// Safe because the server gets the request before the transport does.
		return this.#receiving as Promise<unknown>;
	}
}
