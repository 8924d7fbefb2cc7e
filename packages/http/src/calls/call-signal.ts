/**
 * Implements as much of an `AbortSignal` as the transport uses, which is one listener. Every call
 * has one, and a real one costs a tenth of the call.
 */
export class CallSignal implements Pick<
	AbortSignal,
	'aborted' | 'addEventListener' | 'removeEventListener'
> {
	aborted = false;
	#listener: (() => void) | undefined;

	addEventListener(_type: string, listener: unknown): void {
		// Safe because the transport adds one function without parameters.
		if (typeof listener === 'function') this.#listener = listener as () => void;
	}

	removeEventListener(_type: string, listener: unknown): void {
		if (this.#listener === listener) this.#listener = undefined;
	}

	/** Calls the listener, once. */
	abort(): void {
		if (this.aborted) return;
		this.aborted = true;
		this.#listener?.();
	}
}
