/** A clock that only `advance` moves. It starts at the real time: backends expire by their own clock. */
export class ManualClock {
	#nowMs: number = Date.now();

	/** Returns the time in milliseconds since the epoch. Bound, so that it can be passed as a function. */
	readonly now = (): number => this.#nowMs;

	/** Moves the time forward by `ms` milliseconds, or back if that is negative. */
	advance(ms: number): void {
		this.#nowMs += ms;
	}
}
