import { table } from '../reports/markdown.ts';

/** Bounds of the number of rounds. Measuring ends in between as soon as the figures have settled. */
export interface Rounds {
	readonly least: number;
	readonly most: number;
}

/** A ratio that has to be reached. */
export interface Aim {
	/** The contenders that are compared. */
	readonly subject: string;
	readonly least: number;
	/** The measured ratio, or undefined if a contender was not measured. */
	readonly found: number | undefined;
}

/** A median has settled when its estimated error is below this share of it. */
const SETTLED_ERROR = 0.03;

/** Returns the middle value, or the mean of the two middle ones, or NaN without values. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = (sorted.length - 1) / 2;
	return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** Rounds a figure for `results/`. */
export function rounded(value: number, digits: number): number {
	return Number(value.toFixed(digits));
}

/** Whether measuring can end. @param samples the figures of each row, one for each round. */
export function isSettled(
	samples: readonly (readonly number[])[],
	{ least, most }: Rounds,
): boolean {
	const rounds = Math.min(...samples.map((figures) => figures.length));
	if (rounds < least) return false;
	return rounds >= most || samples.every((figures) => medianError(figures) <= SETTLED_ERROR);
}

/** Estimates the relative error of a median from the median absolute deviation. */
function medianError(figures: readonly number[]): number {
	const middle = median(figures);
	const deviations = figures.map((figure) => Math.abs(figure - middle));
	return median(deviations) / middle / Math.sqrt(figures.length);
}

/** Rotates the order of each round, so that no contender always follows the same one. */
export function inTurn<Item>(items: readonly Item[], round: number): Item[] {
	const first = (round * 5) % items.length;
	return [...items.slice(first), ...items.slice(0, first)];
}

/** Formats a row for each aim. */
export function aimsTable(title: string, aims: readonly Aim[]): string {
	return table(
		[title, 'found', 'aim', ''],
		aims.map((aim) => [
			aim.subject,
			aim.found?.toFixed(2) ?? 'unknown',
			String(aim.least),
			isReached(aim) ? 'reached' : 'missed',
		]),
	);
}

/** Returns a sentence for each missed aim. */
export function missedAims(aims: readonly Aim[]): string[] {
	return aims
		.filter((aim) => !isReached(aim))
		.map(
			({ subject, found, least }) =>
				`${subject}: the ratio must be at least ${least}; got ${found ?? 'none'}.`,
		);
}

function isReached({ found, least }: Aim): boolean {
	return found !== undefined && found >= least;
}
