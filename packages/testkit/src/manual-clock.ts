/** A clock that stands still until it is moved. It starts at the real time, since backends keep their own. */
export class ManualClock {
	#nowMs: number = Date.now();

	/** The time in milliseconds since the epoch. Can be handed on by itself. */
	readonly now = (): number => this.#nowMs;

	/** Moves the time forward by this many milliseconds; back, where it is less than none. */
	advance(ms: number): void {
		this.#nowMs += ms;
	}
}
