/** Splits items, in order, into batches of at most `maxSize` in total. A larger item gets its own batch. */
export function splitBySize<Item>(
	items: readonly Item[],
	maxSize: number,
	sizeOf: (item: Item) => number,
): Item[][] {
	const batches: Item[][] = [];
	let batchSize = Infinity;
	for (const item of items) {
		const size = sizeOf(item);
		batchSize += size;
		if (batchSize <= maxSize) {
			batches.at(-1)?.push(item);
			continue;
		}
		batches.push([item]);
		batchSize = size;
	}
	return batches;
}
