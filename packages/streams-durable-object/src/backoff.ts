/** The longest wait before an attempt is `BASE_MS`, doubled with each one, and never more than this. */
const BASE_MS = 100;
const MAX_WAIT_MS = 5_000;
/** All waits together: then the client is told by the end of its stream, and comes back itself. */
const MAX_TOTAL_MS = 30_000;

/** How long to wait before each attempt to reach an object: a deployment loses all sockets at once. */
export class Backoff {
	readonly #random: () => number;
	#attempt = 0;
	#total = 0;

	/** @param random from 0 to 1. */
	constructor(random: () => number) {
		this.#random = random;
	}

	/** Milliseconds until the next attempt; none where there were enough. */
	next(): number | undefined {
		const longest = Math.min(BASE_MS * 2 ** this.#attempt, MAX_WAIT_MS);
		// Never at once: an object that takes sockets and drops them would be asked without an end.
		const wait = longest * (0.1 + 0.9 * this.#random());
		if (this.#total + wait > MAX_TOTAL_MS) return undefined;
		this.#attempt += 1;
		this.#total += wait;
		return wait;
	}

	/** An attempt has led to something. */
	reset(): void {
		this.#attempt = 0;
		this.#total = 0;
	}
}
