import { titleOf } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import { median } from '../median.ts';
import { alone, besideOthers, SUBSCRIBERS } from './measure-fan-out.ts';
import type {
	Audience,
	Deliveries,
	FanOut,
	FanOutContender,
	FanOutEffort,
} from './measure-fan-out.ts';

/** How long one contender takes, and how much of its messages never came. */
interface FanOutFigures {
	/** Milliseconds from the call that publishes until the last receiver has it: a median. */
	readonly medianMs: number;
	/** Of those in memory in the same round, where it was measured beside them: a median. */
	readonly toMemory?: number;
	/** Of upstream's, kept alive, in the same round: a median. */
	readonly toUpstream?: number;
	/** The share of messages that never came. */
	readonly lost: number;
}

type Figures = Partial<Record<FanOutContender, Record<Audience, FanOutFigures>>>;

/** What is kept of a measurement. */
export interface FanOutResult {
	readonly streams: number;
	readonly sideBySide: Figures;
	readonly largeStreams: number;
	readonly large: Figures;
}

/** Medians over the rounds; ratios are of each round. */
export function fanOutOf(
	{ sideBySide, large }: FanOut,
	{ streams, large: { streams: largeStreams } }: FanOutEffort,
): FanOutResult {
	return {
		streams,
		sideBySide: figuresOf(sideBySide, streams),
		largeStreams,
		large: figuresOf(large, largeStreams),
	};
}

/** A row for each contender. */
export function fanOutText({ streams, sideBySide, largeStreams, large }: FanOutResult): string {
	const count = streams.toLocaleString('en');
	const beside = markdownTable(
		[
			'time until the last receiver has it',
			`all of ${count}, ms`,
			'to memory',
			'to upstream',
			`${SUBSCRIBERS} of ${count}, ms`,
			'to memory',
			'to upstream',
			'lost',
		],
		[...besideOthers, ...alone].flatMap((name) => {
			const figures = sideBySide[name];
			if (!figures) return [];
			const ratios = [figures.all, figures.some].flatMap(
				({ medianMs, toMemory, toUpstream, lost }) => [
					lost === 0 ? medianMs.toFixed(0) : '',
					inWords(toMemory),
					inWords(toUpstream),
				],
			);
			return [[titleOf(name), ...ratios, percent(Math.max(figures.all.lost, figures.some.lost))]];
		}),
	);
	const many = largeStreams.toLocaleString('en');
	const oneByOne = markdownTable(
		[`${many} streams, one contender after another`, 'to all, ms', `to ${SUBSCRIBERS}, ms`, 'lost'],
		besideOthers.flatMap((name) => {
			const figures = large[name];
			if (!figures) return [];
			const { all, some } = figures;
			return [
				[
					titleOf(name),
					all.medianMs.toFixed(0),
					some.medianMs.toFixed(0),
					percent(Math.max(all.lost, some.lost)),
				],
			];
		}),
	);
	return `${beside}\n\n${oneByOne}`;
}

function figuresOf(
	deliveries: Partial<Record<FanOutContender, Deliveries>>,
	streams: number,
): Figures {
	const expected: Record<Audience, number> = {
		all: streams,
		some: Math.min(SUBSCRIBERS, streams),
	};
	const figures: Figures = {};
	for (const name of [...besideOthers, ...alone]) {
		const own = deliveries[name];
		if (!own) continue;
		const of = (audience: Audience): FanOutFigures => {
			const times = own[audience];
			const lost = times.reduce((sum, { missing }) => sum + missing, 0);
			const to = (other: FanOutContender): number | undefined => {
				const others = deliveries[other]?.[audience];
				if (!others || lost > 0 || alone.some((each) => each === name)) return undefined;
				return rounded(median(times.map(({ ms }, round) => ms / (others[round]?.ms ?? NaN))));
			};
			const toMemory = to('memory-http');
			const toUpstream = to('upstream-kept-alive');
			return {
				medianMs: rounded(median(times.map(({ ms }) => ms))),
				...(toMemory !== undefined && { toMemory }),
				...(toUpstream !== undefined && { toUpstream }),
				lost: rounded(lost / (times.length * expected[audience])),
			};
		};
		figures[name] = { all: of('all'), some: of('some') };
	}
	return figures;
}

function rounded(value: number): number {
	return Number(value.toFixed(3));
}

function inWords(ratio: number | undefined): string {
	return ratio === undefined ? '' : ratio.toFixed(2);
}

function percent(share: number): string {
	return share === 0 ? 'none' : `${(share * 100).toFixed(0)} %`;
}
