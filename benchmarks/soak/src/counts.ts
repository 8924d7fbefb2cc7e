/** How often each kind of thing happened. */
export type Counts = Map<string, number>;

/** Adds to the count of a key. */
export function increment(counts: Counts, key: string, by = 1): void {
	counts.set(key, (counts.get(key) ?? 0) + by);
}

/** Returns the sums of several counts. */
export function sumOfCounts(all: readonly Counts[]): Counts {
	const sums: Counts = new Map();
	for (const [key, times] of all.flatMap((counts) => [...counts])) increment(sums, key, times);
	return sums;
}
