/** How many used handles an isolate remembers. */
const MAX_USED = 10_000;

/** Remembers which single-use handles were used, so that a repeated use needs no storage. */
export class UsedHandles {
	/** In the order of their use. */
	readonly #ids = new Set<string>();

	has(id: string): boolean {
		return this.#ids.has(id);
	}

	/** Remembers a handle that storage knows as used, and forgets the oldest of too many. */
	add(id: string): void {
		this.#ids.add(id);
		if (this.#ids.size <= MAX_USED) return;
		const [oldest] = this.#ids;
		if (oldest !== undefined) this.#ids.delete(oldest);
	}
}
