import { ROOT_SHARD } from '@tmcp-sessions/core/internal';

/** A publish that has not ended by then never will: its request was killed. */
const FORGOTTEN_AFTER_MS = 30_000;

/**
 * The shards that publishers of an isolate have found, and whether what comes next may go to one at
 * once. What was published before a shard was found goes there when the root has answered, so that
 * what comes after it must not overtake it: it takes the same way round until all of that is out.
 *
 * Plain data: the requests of an isolate share it, and none waits for another.
 */
export class ShardCache {
	/** The newest publish when each was found. */
	readonly #found = new Map<string, number>();
	/** The publishes that the root has not answered yet, and when they began. */
	readonly #unanswered = new Map<number, number>();
	#newest = 0;

	/** The shards that a message to all may go to at once, the root among them. */
	ready(): string[] {
		const oldest = Math.min(...this.#unanswered.keys());
		const found = [...this.#found].filter(([, newest]) => newest < oldest);
		return [ROOT_SHARD, ...found.map(([shard]) => shard)];
	}

	/** Whether something may be on its way to every shard that is not `ready`. */
	get isSearching(): boolean {
		return this.#unanswered.size > 0;
	}

	/** A publish asks the root which shards there are. */
	begin(nowMs: number): number {
		for (const [publish, atMs] of this.#unanswered) {
			if (atMs < nowMs - FORGOTTEN_AFTER_MS) this.#unanswered.delete(publish);
		}
		this.#newest += 1;
		this.#unanswered.set(this.#newest, nowMs);
		return this.#newest;
	}

	/**
	 * The root has answered. What the publish has for the shards that it did not cover must go out in
	 * the same turn.
	 *
	 * @param shards all that there are; none where nobody knows.
	 */
	end(publish: number, shards: readonly string[] | undefined): void {
		this.#unanswered.delete(publish);
		if (!shards) return;
		for (const shard of this.#found.keys()) {
			if (!shards.includes(shard)) this.#found.delete(shard);
		}
		for (const shard of shards) {
			if (!this.#found.has(shard)) this.#found.set(shard, this.#newest);
		}
	}
}
