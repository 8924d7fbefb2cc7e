import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * A request that the server got before the transport. If it is not answered at once, the transport
 * gets the request too and takes over the call that the server has begun.
 */
export class DirectCall {
	readonly #abort = new AbortController();
	/** Sends of the server from before there was a stream. */
	readonly #deferredSends: (() => void)[] = [];
	#receiving: Promise<unknown> | undefined;
	#isSettled = false;
	#hasEnded = false;
	/** Runs a function in the async context in which the transport finds the stream of this request. */
	#inTransport: (<Result>(send: () => Result) => Result) | undefined;

	/** Aborted when the client cancels the call, which it can do once the transport has it. */
	get signal(): AbortSignal {
		return this.#abort.signal;
	}

	/** Whether the server has settled the request. */
	get isSettled(): boolean {
		return this.#isSettled;
	}

	/** Whether the transport has taken over. */
	get isTakenOver(): boolean {
		return this.#inTransport !== undefined;
	}

	/** @param receiving what the server answers, or fails with. */
	begin(receiving: Promise<unknown>): void {
		this.#receiving = receiving;
		const settle = (): void => {
			this.#isSettled = true;
		};
		// A failure is handled by what answers the request.
		receiving.then(settle, settle);
	}

	/** Notes that the request was answered without the transport. */
	end(): void {
		this.#hasEnded = true;
	}

	/**
	 * Sends a frame as soon as there is a stream. Frames of background promises that outlive the call
	 * are dropped, as on a stream that has ended.
	 */
	send(send: () => void): void {
		if (this.#inTransport) this.#inTransport(send);
		else if (!this.#hasEnded) this.#deferredSends.push(send);
	}

	/**
	 * Connects the call to the transport's stream, in whose async context this must run.
	 *
	 * @param signal the transport's, aborted when the client cancels.
	 * @returns what the server answers.
	 */
	takeOver(signal: AbortSignal | undefined): Promise<unknown> {
		const abort = (): void => this.#abort.abort();
		if (signal?.aborted) abort();
		else signal?.addEventListener('abort', abort, { once: true });
		this.#inTransport = AsyncLocalStorage.snapshot();
		for (const send of this.#deferredSends.splice(0)) send();
		// Safe because the server gets the request before the transport does.
		return this.#receiving as Promise<unknown>;
	}
}
