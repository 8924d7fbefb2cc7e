import { table } from '../reports/markdown.ts';

/** How much to measure. `quick` proves that a measurement runs; its figures mean little. */
export type Effort = 'full' | 'quick';
/** Reports progress, one line at a time. */
export type Progress = (line: string) => void;

/** One measurement, which can run alone. */
export interface Measurement<Result extends object> {
	/** Measures and returns what `results/` stores as JSON. */
	measure(effort: Effort, onProgress: Progress): Promise<Result>;
	/** Formats a result as Markdown tables. */
	format(result: Result): string;
	/** Returns the figures that have to be reached. */
	aims?(result: Result): readonly Aim[];
	/** Compares a full run with the stored result. */
	compare?(result: Result, stored: Result): readonly Comparison[];
}

/** Returns the measurement, whose result is what it measures. */
export function measurement<Result extends object>(
	parts: Measurement<Result>,
): Measurement<Result> {
	return parts;
}

/** A figure that has to be reached. */
export interface Aim {
	readonly subject: string;
	/** One of both. */
	readonly least?: number;
	readonly most?: number;
	/** The measured figure, or undefined if it was not measured. */
	readonly found: number | undefined;
	/** Whether a quick run has to reach it too: it is not a speed. */
	readonly isExact?: boolean;
}

/** A figure beside the stored one, as a sentence. */
export interface Comparison {
	readonly line: string;
	readonly isWorse: boolean;
}

/** Bounds of the number of rounds. Measuring ends in between as soon as the figures have settled. */
export interface Rounds {
	readonly least: number;
	readonly most: number;
	/** Rounds before, which do not count. */
	readonly warmUps?: number | undefined;
	/** A median has settled when its estimated error is at most this share of it. Default: 0.03. */
	readonly settledError?: number;
}

/** Returns the rows of figures that decide whether a measurement has settled. */
export type Figures<Name extends string, Sample> = (
	samples: Readonly<Record<Name, Sample[]>>,
) => readonly (readonly number[])[];

/** Lets contenders take turns, and returns the samples of each, one for each round. */
export async function takeTurns<Name extends string, Sample>(
	names: readonly Name[],
	rounds: Rounds,
	turn: (name: Name) => Promise<Sample>,
	onProgress: Progress,
	figuresOf: Figures<Name, Sample> = () => [],
): Promise<Record<Name, Sample[]>> {
	const { least, most, warmUps = 0 } = rounds;
	const samples = byName(names, (): Sample[] => []);
	const hasEnded = (round: number): boolean =>
		round >= most || (round >= least && isSettled(figuresOf(samples), rounds));
	for (let round = -warmUps; !hasEnded(round); round += 1) {
		onProgress(`round ${round + 1} of ${least === most ? most : `${least} to ${most}`}`);
		for (const name of inTurn(names, round + warmUps)) {
			const sample = await turn(name);
			if (round >= 0) samples[name].push(sample);
		}
	}
	return samples;
}

/** Returns a record with a value for each name. */
export function byName<Name extends string, Value>(
	names: readonly Name[],
	valueOf: (name: Name) => Value,
): Record<Name, Value> {
	// Safe because there is one entry for each name.
	return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<Name, Value>;
}

/** Returns a record with another value for each key. */
export function mapValues<Name extends string, Value, Result>(
	record: Readonly<Record<Name, Value>>,
	resultOf: (value: Value, name: Name) => Result,
): Record<Name, Result> {
	const names = entriesOf(record).map(([name]) => name);
	return byName(names, (name) => resultOf(record[name], name));
}

/** Returns the entries of a record, typed by its keys. */
export function entriesOf<Name extends string, Value>(
	record: Readonly<Partial<Record<Name, Value>>>,
): [Name, Value][] {
	// Safe because the records of results have no other keys, and no value is set to undefined.
	return Object.entries(record) as [Name, Value][];
}

/** Returns the middle value, or the mean of the two middle ones, or NaN without values. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = (sorted.length - 1) / 2;
	return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** Returns the ratios within each round, so that load from elsewhere affects both sides. */
export function ratios(own: readonly number[], reference: readonly number[] = []): number[] {
	return own.map((figure, round) => figure / (reference[round] ?? NaN));
}

/** Rounds a figure for `results/`. */
export function rounded(value: number, digits: number): number {
	return Number(value.toFixed(digits));
}

/** Whether measuring can end. @param samples the figures of each row, one for each round. */
export function isSettled(
	samples: readonly (readonly number[])[],
	{ least, most, settledError = 0.03 }: Rounds,
): boolean {
	const rounds = Math.min(...samples.map((figures) => figures.length));
	if (rounds < least) return false;
	return rounds >= most || samples.every((figures) => medianError(figures) <= settledError);
}

/** Estimates the relative error of a median from the median absolute deviation. */
export function medianError(figures: readonly number[]): number {
	const middle = median(figures);
	const deviations = figures.map((figure) => Math.abs(figure - middle));
	return median(deviations) / middle / Math.sqrt(figures.length);
}

/** Rotates the order of each round, so that no contender always follows the same one. */
export function inTurn<Item>(items: readonly Item[], round: number): Item[] {
	const first = (round * 5) % items.length;
	return [...items.slice(first), ...items.slice(0, first)];
}

/** Formats a row for each aim whose figure was measured. */
export function aimsTable(title: string, aims: readonly Aim[]): string {
	return table(
		`${title} | found | aim | `,
		aims.flatMap((aim) =>
			aim.found === undefined
				? []
				: [
						[
							aim.subject,
							aim.found.toFixed(2),
							String(aim.least ?? aim.most),
							isReached(aim) ? 'reached' : 'missed',
						],
					],
		),
	);
}

/** Returns a sentence for each missed aim. A quick run has no aims for speed. */
export function missedAims(aims: readonly Aim[], effort: Effort = 'full'): string[] {
	return aims
		.filter((aim) => !isReached(aim) && (effort === 'full' || aim.isExact))
		.map(
			({ subject, found, least, most }) =>
				`${subject}: the ratio must be at ${least === undefined ? `most ${most}` : `least ${least}`}; got ${found ?? 'none'}.`,
		);
}

function isReached({ found = NaN, least = -Infinity, most = Infinity }: Aim): boolean {
	return found >= least && found <= most;
}
