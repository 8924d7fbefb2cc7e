/** The longest wait before the first attempt. It doubles with each attempt, up to `MAX_WAIT_MS`. */
const BASE_MS = 100;
const MAX_WAIT_MS = 5_000;
/** Waits and attempts together take at most this long. */
const MAX_TOTAL_MS = 30_000;

/** The source of randomness and the clock, which tests replace. */
export interface BackoffOptions {
	/** Returns a number from 0 to 1. */
	readonly random: () => number;
	/** Waits for a time in milliseconds. */
	readonly sleep: (ms: number) => Promise<void>;
	/** Returns the time in milliseconds since the epoch. */
	readonly now: () => number;
}

/** Spaces out attempts to reach an object again: a deployment closes all sockets at once. */
export class Backoff {
	readonly #options: BackoffOptions;
	#attempt = 0;
	#total = 0;
	/** When the object was last reached. */
	#reachedAtMs: number;

	constructor(options: BackoffOptions) {
		this.#options = options;
		this.#reachedAtMs = options.now();
	}

	/**
	 * Makes attempts until one succeeds, until `isWanted` returns false, or for 30 seconds since the last
	 * `reset`.
	 *
	 * @param lost why the object has to be reached again: the error if there is no time for an attempt.
	 * @returns why the last attempt failed, or `undefined` if one succeeded or none is wanted.
	 */
	async retry(
		lost: Error,
		isWanted: () => boolean,
		attempt: () => Promise<void>,
	): Promise<unknown> {
		const { sleep, now } = this.#options;
		// A connection that lasted this long was lost for an unrelated reason.
		if (now() - this.#reachedAtMs > MAX_TOTAL_MS) this.reset();
		let reason: unknown = lost;
		for (let wait = this.#next(); wait !== undefined; wait = this.#next()) {
			await sleep(wait);
			if (!isWanted()) return undefined;
			const startedAtMs = now();
			try {
				await attempt();
				this.#reachedAtMs = now();
				return undefined;
			} catch (error) {
				reason = error;
				this.#total += now() - startedAtMs;
			}
		}
		return isWanted() ? reason : undefined;
	}

	/** Allows another 30 seconds of attempts, at the longest waits. */
	extend(): void {
		this.#total = 0;
	}

	/** Starts over, since the connection has proved to work. */
	reset(): void {
		this.#attempt = 0;
		this.#total = 0;
	}

	/** Returns the wait before the next attempt in milliseconds, or `undefined` if the time is up. */
	#next(): number | undefined {
		const longest = Math.min(BASE_MS * 2 ** this.#attempt, MAX_WAIT_MS);
		// At least a tenth: an object that accepts sockets and drops them would cause a busy loop.
		const wait = longest * (0.1 + 0.9 * this.#options.random());
		if (this.#total + wait > MAX_TOTAL_MS) return undefined;
		this.#attempt += 1;
		this.#total += wait;
		return wait;
	}
}
