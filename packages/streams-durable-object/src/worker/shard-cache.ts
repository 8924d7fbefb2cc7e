/** After this time a publish is considered dead: its request was killed. */
const MAX_PUBLISH_MS = 30_000;

/**
 * Caches the shards that an isolate's publishes have discovered, and decides which of them a publish
 * may go to directly. A publish that began before a shard was discovered goes there only after the
 * root has answered. Later ones must not overtake it: they wait for the root too until it is out.
 *
 * Holds plain data only: the requests of an isolate share it, and none waits for another.
 */
export class ShardCache {
	/** By label, the newest publish at the time of the discovery. */
	readonly #discovered = new Map<string, number>();
	/** When each publish began that the root has not answered yet. */
	readonly #unanswered = new Map<number, number>();
	#newest = 0;

	/** Returns the shards, besides the root, that a publish to all may go to directly. */
	ready(): string[] {
		const oldest = Math.min(...this.#unanswered.keys());
		const ready = [...this.#discovered].filter(([, newest]) => newest < oldest);
		return ready.map(([shard]) => shard);
	}

	/** Whether publishes wait for the root, and may go to any shard that is not `ready`. */
	get isDiscovering(): boolean {
		return this.#unanswered.size > 0;
	}

	/** Records that a publish asks the root for the shards. @returns the number of the publish. */
	begin(nowMs: number): number {
		for (const [publish, atMs] of this.#unanswered) {
			if (atMs < nowMs - MAX_PUBLISH_MS) this.#unanswered.delete(publish);
		}
		this.#newest += 1;
		this.#unanswered.set(this.#newest, nowMs);
		return this.#newest;
	}

	/**
	 * Records the root's answer. The caller must send to the shards that it has not covered in the same
	 * turn.
	 *
	 * @param shards all shards; `undefined` if the root failed.
	 */
	end(publish: number, shards: readonly string[] | undefined): void {
		this.#unanswered.delete(publish);
		if (!shards) return;
		for (const shard of this.#discovered.keys()) {
			if (!shards.includes(shard)) this.#discovered.delete(shard);
		}
		for (const shard of shards) {
			if (!this.#discovered.has(shard)) this.#discovered.set(shard, this.#newest);
		}
	}
}
