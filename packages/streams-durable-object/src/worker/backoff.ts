/** The longest wait before an attempt is `BASE_MS`, doubled with each one, and never more than this. */
const BASE_MS = 100;
const MAX_WAIT_MS = 5_000;
/** All waits and attempts together: then whoever looks for the object is told to give up. */
const MAX_TOTAL_MS = 30_000;

/** What passes time, and tells it. */
export interface BackoffOptions {
	/** From 0 to 1. */
	readonly random: () => number;
	/** Waits so many milliseconds. */
	readonly sleep: (ms: number) => Promise<void>;
	/** The time in milliseconds since the epoch. */
	readonly now: () => number;
}

/** Attempts to reach an object again, with waits between them: a deployment loses all sockets at once. */
export class Backoff {
	readonly #options: BackoffOptions;
	#attempt = 0;
	#total = 0;
	/** When what was lost had been reached. */
	#reachedAtMs: number;

	constructor(options: BackoffOptions) {
		this.#options = options;
		this.#reachedAtMs = options.now();
	}

	/**
	 * Tries until an attempt succeeds, nobody wants it any more, or half a minute has gone by since
	 * the last one that led to something.
	 *
	 * @param lost why anything has to be tried.
	 * @returns why the last attempt failed, where there were enough; nothing otherwise.
	 */
	async retry(
		lost: Error,
		isWanted: () => boolean,
		attempt: () => Promise<void>,
	): Promise<unknown> {
		const { sleep, now } = this.#options;
		// What has held for so long was lost for a reason of its own.
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

	/** An attempt has led to something. */
	reset(): void {
		this.#attempt = 0;
		this.#total = 0;
	}

	/** Milliseconds until the next attempt; none where there were enough. */
	#next(): number | undefined {
		const longest = Math.min(BASE_MS * 2 ** this.#attempt, MAX_WAIT_MS);
		// Never at once: an object that takes sockets and drops them would be asked without an end.
		const wait = longest * (0.1 + 0.9 * this.#options.random());
		if (this.#total + wait > MAX_TOTAL_MS) return undefined;
		this.#attempt += 1;
		this.#total += wait;
		return wait;
	}
}
