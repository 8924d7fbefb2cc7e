interface Unconfirmed<Change> {
	readonly change: Change;
	readonly sinceMs: number;
}

/** Workers end what `waitUntil` holds after 30 s: an older write never reports back. */
const LIFETIME_MS = 30_000;

/** The writes of this isolate that no backend has confirmed yet: its reads see them already. */
export class UnconfirmedWrites<Change> {
	/** Ordered by the last write of each key. */
	readonly #byKey = new Map<string, Set<Unconfirmed<Change>>>();
	readonly #now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** Notes a write. Call what it returns once the write has settled. */
	add(key: string, change: Change): () => void {
		const write = { change, sinceMs: this.#now() };
		const writes = this.#underWay(key).add(write);
		this.#byKey.delete(key);
		this.#byKey.set(key, writes);
		// Nobody may ask again for the key of a write that never reports back.
		for (const oldest of this.#byKey.keys()) if (this.#underWay(oldest).size > 0) break;
		return () => this.#remove(key, write);
	}

	/** The changes under way for a key, oldest first. */
	changes(key: string): Change[] {
		// Nearly always: each call asks.
		if (!this.#byKey.has(key)) return [];
		return [...this.#underWay(key)].map((write) => write.change);
	}

	#underWay(key: string): Set<Unconfirmed<Change>> {
		const writes = this.#byKey.get(key) ?? new Set();
		for (const write of writes) {
			// Either way: a clock that was set back would keep it for as long again.
			if (Math.abs(this.#now() - write.sinceMs) > LIFETIME_MS) this.#remove(key, write);
		}
		return writes;
	}

	#remove(key: string, write: Unconfirmed<Change>): void {
		const writes = this.#byKey.get(key);
		writes?.delete(write);
		if (writes?.size === 0) this.#byKey.delete(key);
	}
}
