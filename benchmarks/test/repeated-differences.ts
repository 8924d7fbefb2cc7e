/** Counts by contender, by manager or by client, and by kind of request. */
type Counts = Readonly<Record<string, Readonly<Record<string, object>>>>;

/**
 * Returns the counts that differ from the published ones, a line for each. Counts again if there are any:
 * a timer may add operations to one count, and a change of the code differs in both.
 */
export async function repeatedDifferences(
	published: Counts,
	found: Counts,
	recount: () => Promise<Counts>,
): Promise<string[]> {
	const first = differences(published, found);
	if (first.length === 0) return [];
	const second = new Set(differences(published, await recount()));
	return first.filter((line) => second.has(line));
}

function differences(published: Counts, found: Counts): string[] {
	const names = [...new Set([...Object.keys(published), ...Object.keys(found)])];
	return names.flatMap((name) => {
		const [own = {}, other = {}] = [published[name], found[name]];
		const kinds = [...new Set([...Object.keys(own), ...Object.keys(other)])];
		return kinds
			.filter((kind) => textOf(own[kind]) !== textOf(other[kind]))
			.map(
				(kind) => `${name}, ${kind}: ${textOf(own[kind])} is published; got ${textOf(other[kind])}`,
			);
	});
}

/** Returns a text that does not depend on the order of the keys. */
function textOf(counts: object | undefined): string {
	const sorted = Object.entries(counts ?? { none: 0 }).toSorted(([a], [b]) => (a < b ? -1 : 1));
	return JSON.stringify(Object.fromEntries(sorted));
}
