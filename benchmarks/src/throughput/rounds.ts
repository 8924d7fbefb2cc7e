import { median } from '../median.ts';

/** How many rounds are measured: the least, and more until the figures are settled or it is the most. */
export interface Rounds {
	readonly least: number;
	readonly most: number;
}

/** A median is settled where its error is about this part of it. */
const SETTLED = 0.03;

/** Whether nothing is gained by another round. @param samples the figures of each row, one a round. */
export function isSettled(
	samples: readonly (readonly number[])[],
	{ least, most }: Rounds,
): boolean {
	const rounds = Math.min(...samples.map((each) => each.length));
	if (rounds < least) return false;
	return rounds >= most || samples.every((each) => errorOf(each) <= SETTLED);
}

/** About how far a median of these figures may be off, as a part of it: half of them lie so near it. */
function errorOf(figures: readonly number[]): number {
	const middle = median(figures);
	const distances = figures.map((figure) => Math.abs(figure - middle));
	return median(distances) / middle / Math.sqrt(figures.length);
}

/** Every round begins with another one, so that none always follows the same. */
export function inTurn<Item>(items: readonly Item[], round: number): Item[] {
	const first = (round * 5) % items.length;
	return [...items.slice(first), ...items.slice(0, first)];
}
