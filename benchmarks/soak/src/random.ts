/** Returns a number from 0 up to but excluding 1. */
export type Random = () => number;

/** Returns one of the items. Throws a RangeError if there are none. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
	const item = items[Math.floor(random() * items.length)];
	if (item === undefined) throw new RangeError('items must not be empty; got none');
	return item;
}

/** Returns the items in random order. */
export function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
	return items
		.map((item) => ({ item, order: random() }))
		.toSorted((a, b) => a.order - b.order)
		.map(({ item }) => item);
}
