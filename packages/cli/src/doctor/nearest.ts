/** Returns the candidate that differs from a name by the fewest letters, or `undefined`. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
	const most = Math.min(3, Math.floor(name.length / 3));
	const [best] = [...candidates]
		.map((candidate) => ({ candidate, edits: editsBetween(name, candidate) }))
		.filter(({ edits }) => edits <= most)
		.toSorted((a, b) => a.edits - b.edits);
	return best?.candidate;
}

/** Returns how many letters have to be added, removed or replaced. The case of letters counts little. */
function editsBetween(from: string, to: string): number {
	const [a, b] = [from.toLowerCase(), to.toLowerCase()];
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let index = 0; index < a.length; index++) {
		const next = [index + 1];
		for (let column = 0; column < b.length; column++) {
			const replaced = (row[column] ?? 0) + (a[index] === b[column] ? 0 : 1);
			next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
		}
		row = next;
	}
	return row.at(-1) ?? 0;
}
