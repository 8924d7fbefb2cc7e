import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * A request that the server got before the transport did. Where it is not answered at once, the
 * transport gets it too, and finds the server at work on it.
 */
export class DirectCall {
	readonly #cancelling = new AbortController();
	/** What the server has said that no stream was there for. */
	readonly #unsaid: (() => void)[] = [];
	#receiving: Promise<unknown> | undefined;
	#isOver = false;
	/** Runs something where the transport finds the stream that it has made for this request. */
	#inTransport: (<Result>(work: () => Result) => Result) | undefined;

	/** Aborted where the client cancels the call, which it can once the transport has it. */
	get signal(): AbortSignal {
		return this.#cancelling.signal;
	}

	/** Whether the server has it, so that the transport is not to hand it over again. */
	get hasBegun(): boolean {
		return this.#receiving !== undefined;
	}

	/** Says that the server is at work on it. */
	begin(receiving: Promise<unknown>): void {
		this.#receiving = receiving;
		// Whoever answers handles its failure.
		receiving.catch(() => {});
	}

	/** Says that the call was answered, without the transport. */
	end(): void {
		this.#isOver = true;
	}

	/**
	 * Does what the server says to its client: when there is a stream for it. What work says that the
	 * call has left behind is dropped, as on a stream that has ended.
	 */
	say(tell: () => void): void {
		if (this.#inTransport) this.#inTransport(tell);
		else if (!this.#isOver) this.#unsaid.push(tell);
	}

	/**
	 * The transport hands the request over, with a stream for what the server says.
	 *
	 * @param signal the transport's, aborted where the client cancels.
	 * @returns what the server answers.
	 */
	takeOver(signal: AbortSignal | undefined): Promise<unknown> {
		const abort = (): void => this.#cancelling.abort();
		if (signal?.aborted) abort();
		else signal?.addEventListener('abort', abort, { once: true });
		this.#inTransport = AsyncLocalStorage.snapshot();
		for (const tell of this.#unsaid.splice(0)) tell();
		// Sound: it is there since the server has the request.
		return this.#receiving as Promise<unknown>;
	}
}
