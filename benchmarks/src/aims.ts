import { markdownTable } from './markdown-table.ts';

/** A ratio that is to be reached. */
export interface Aim {
	/** What it is of, and to what. */
	readonly what: string;
	readonly least: number;
	/** What was measured; undefined where it was not. */
	readonly found: number | undefined;
}

/** A row for each aim. */
export function aimsTable(title: string, aims: readonly Aim[]): string {
	return markdownTable(
		[title, 'found', 'aim', ''],
		aims.map((aim) => [
			aim.what,
			aim.found?.toFixed(2) ?? 'unknown',
			String(aim.least),
			isReached(aim) ? 'reached' : 'missed',
		]),
	);
}

/** A sentence for each that is missed. */
export function missed(aims: readonly Aim[]): string[] {
	return aims
		.filter((aim) => !isReached(aim))
		.map(
			({ what, found, least }) =>
				`${what}: the ratio is ${found ?? 'unknown'}, expected at least ${least}.`,
		);
}

function isReached({ found, least }: Aim): boolean {
	return found !== undefined && found >= least;
}
