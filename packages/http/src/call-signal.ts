/**
 * As much of an `AbortSignal` as the transport uses: each call has one, and a real one costs a tenth
 * of the call.
 */
export class CallSignal implements Pick<
	AbortSignal,
	'aborted' | 'addEventListener' | 'removeEventListener'
> {
	aborted = false;
	readonly #listeners = new Set<() => void>();

	addEventListener(_type: string, listener: unknown): void {
		// Sound: the transport adds functions that take nothing.
		if (typeof listener === 'function') this.#listeners.add(listener as () => void);
	}

	removeEventListener(_type: string, listener: unknown): void {
		// Sound: a function that was never added is not there to delete.
		this.#listeners.delete(listener as () => void);
	}

	/** Tells all listeners, once. */
	abort(): void {
		if (this.aborted) return;
		this.aborted = true;
		for (const listener of this.#listeners) listener();
	}
}
