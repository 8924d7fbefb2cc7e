/** Numbers from 0 up to and without 1. */
export type Random = () => number;

/** One of them. @throws {RangeError} where there is none. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
	const item = items[Math.floor(random() * items.length)];
	if (item === undefined) throw new RangeError('expected something to pick from; found nothing');
	return item;
}

/** The same ones in another order. */
export function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
	return items
		.map((item) => ({ item, at: random() }))
		.toSorted((one, other) => one.at - other.at)
		.map(({ item }) => item);
}
