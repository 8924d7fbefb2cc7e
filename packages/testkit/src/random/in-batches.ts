const BATCH_SIZE = 50;

/** Runs `run` for every item, 50 at a time: more at once would only queue in the backend. */
export async function inBatches<Item>(
	items: readonly Item[],
	run: (item: Item) => Promise<unknown>,
): Promise<void> {
	for (let start = 0; start < items.length; start += BATCH_SIZE) {
		await Promise.all(items.slice(start, start + BATCH_SIZE).map(run));
	}
}
