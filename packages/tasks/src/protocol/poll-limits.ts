/** Tasks whose last poll an isolate remembers. */
const MAX_TASKS = 10_000;
/** A client whose clock or network is a little fast. */
const TOLERANCE = 0.9;

/** Notices clients that poll faster than they were asked to. */
export class PollTimes {
	readonly #lastMs = new Map<string, number>();

	/** Notes a poll, and returns whether it comes too early in this isolate. */
	isEarly(name: string, nowMs: number, intervalMs: number): boolean {
		const lastMs = this.#lastMs.get(name);
		if (this.#lastMs.size >= MAX_TASKS) this.#lastMs.clear();
		this.#lastMs.set(name, nowMs);
		return lastMs !== undefined && nowMs - lastMs < intervalMs * TOLERANCE;
	}
}
