interface Unconfirmed<Change> {
	readonly change: Change;
	readonly sinceMs: number;
}

/** Workers end what `waitUntil` holds after 30 s: an older write never reports back. */
const LIFETIME_MS = 30_000;

/** The writes of this isolate that no backend has confirmed yet: its reads see them already. */
export class UnconfirmedWrites<Change> {
	readonly #byKey = new Map<string, Set<Unconfirmed<Change>>>();
	readonly #now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** Notes a write. Call what it returns once the write has settled. */
	add(key: string, change: Change): () => void {
		const write = { change, sinceMs: this.#now() };
		let writes = this.#byKey.get(key);
		if (!writes) this.#byKey.set(key, (writes = new Set()));
		writes.add(write);
		return () => this.#remove(key, write);
	}

	/** The changes under way for a key, oldest first. */
	changes(key: string): Change[] {
		const writes = this.#byKey.get(key);
		if (!writes) return [];
		for (const write of writes) {
			// Either way: a clock that was set back would keep it for as long again.
			if (Math.abs(this.#now() - write.sinceMs) > LIFETIME_MS) this.#remove(key, write);
		}
		return [...writes].map((write) => write.change);
	}

	#remove(key: string, write: Unconfirmed<Change>): void {
		const writes = this.#byKey.get(key);
		writes?.delete(write);
		if (writes?.size === 0) this.#byKey.delete(key);
	}
}
