interface PendingWrite<Change> {
	readonly change: Change;
	readonly sinceMs: number;
}

/** workerd cancels `waitUntil` promises after 30 s: an older write never settles. */
const LIFETIME_MS = 30_000;

/** Writes of this isolate that the backend has not confirmed yet, so that its own reads see them. */
export class PendingWrites<Change> {
	/** Ordered by the last write of each key. */
	readonly #byKey = new Map<string, Set<PendingWrite<Change>>>();
	readonly #now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** Adds a write. Call the returned function once the write has settled. */
	add(key: string, change: Change): () => void {
		const write = { change, sinceMs: this.#now() };
		const writes = this.#pruned(key).add(write);
		this.#byKey.delete(key);
		this.#byKey.set(key, writes);
		// Remove expired writes of the oldest keys: their keys may never be read again.
		for (const oldest of this.#byKey.keys()) if (this.#pruned(oldest).size > 0) break;
		return () => this.#remove(key, write);
	}

	/** Returns the pending changes of a key, oldest first. */
	changes(key: string): Change[] {
		// Hot path: every request reads this, and there is rarely a pending write.
		if (!this.#byKey.has(key)) return [];
		return [...this.#pruned(key)].map((write) => write.change);
	}

	#pruned(key: string): Set<PendingWrite<Change>> {
		const writes = this.#byKey.get(key) ?? new Set();
		for (const write of writes) {
			// `Math.abs`, so that a clock that was set back does not keep a write for longer.
			if (Math.abs(this.#now() - write.sinceMs) > LIFETIME_MS) this.#remove(key, write);
		}
		return writes;
	}

	#remove(key: string, write: PendingWrite<Change>): void {
		const writes = this.#byKey.get(key);
		writes?.delete(write);
		if (writes?.size === 0) this.#byKey.delete(key);
	}
}
