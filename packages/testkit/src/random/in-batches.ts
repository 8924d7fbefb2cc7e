const BATCH_SIZE = 50;

/** Runs `work` for every item, 50 at a time, as many as a backend takes without choking. */
export async function inBatches<Item>(
	items: readonly Item[],
	work: (item: Item) => Promise<unknown>,
): Promise<void> {
	for (let start = 0; start < items.length; start += BATCH_SIZE) {
		await Promise.all(items.slice(start, start + BATCH_SIZE).map(work));
	}
}
