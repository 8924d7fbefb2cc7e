import { markdownTable } from '../markdown-table.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import type { Growing } from './growing-stores.ts';
import type { Growth } from './measure-growth.ts';
import type { StreamCost, StreamCosts } from './measure-streams.ts';

/** What becomes of one figure while another grows. */
interface Curve {
	readonly of: 'sessions' | 'streams' | 'subscribers';
	readonly what: string;
	/** By number of sessions, streams or subscribers: from where what is fixed is not most of it. */
	readonly points: readonly (readonly [count: number, figure: number])[];
	readonly because: string;
}

/** A row for each curve: its last point to its first, what it is by that, and the cause. */
export function curvesText(growth: Growth, streams: StreamCosts): string {
	return markdownTable(
		['grows', 'what', 'by a factor of', 'so it is', 'because'],
		curves(growth, streams).map((curve) => {
			const [[from, first], [to, last]] = ends(curve);
			return [
				`${curve.of}, ${from.toLocaleString('en')} to ${to.toLocaleString('en')}`,
				curve.what,
				(last / first).toLocaleString('en', { maximumSignificantDigits: 2 }),
				shapeOf(curve),
				curve.because,
			];
		}),
	);
}

/** What is measured and counted while sessions, streams and subscribers grow. */
export function curves({ sessions, subscribers }: Growth, { ours }: StreamCosts): Curve[] {
	const ofSessions = (name: Growing, title: string, because: string): Curve[] => [
		{
			of: 'sessions',
			what: `operations of a call, ${title}`,
			points: sessions.map((point) => [point.sessions, operations(point.operations[name])]),
			because,
		},
		{
			of: 'sessions',
			what: `speed of a call, ${title}`,
			points: sessions.map((point) => [point.sessions, point.toBareWorker[name]]),
			because: 'it is found by its key',
		},
	];
	const ofStreams = (cost: (each: StreamCost) => number): [number, number][] =>
		ours.filter(({ streams }) => streams >= 100).map((each) => [each.streams, cost(each)]);
	const ofSubscribers = (least: number): typeof subscribers =>
		subscribers.filter((point) => point.subscribers >= least);
	const told = (name: Growing, title: string): Curve => ({
		of: 'subscribers',
		what: `time until one is told of a change, ${title}`,
		points: ofSubscribers(100).map((point) => [point.subscribers, point.toldMs[name]]),
		because: 'beside what is fixed, all are read, and named to the object with the streams',
	});
	const changed = (name: Growing, title: string, least: number, because: string): Curve => ({
		of: 'subscribers',
		what: `operations of a change, ${title}`,
		points: ofSubscribers(least).map((point) => [
			point.subscribers,
			operations(point.operations[name]),
		]),
		because,
	});
	return [
		...ofSessions('growing-kv', 'KV', 'it reads one key'),
		...ofSessions('growing-object', 'Durable Objects', 'it reads one row, by its primary key'),
		{
			of: 'streams',
			what: 'time of a publish to ten',
			points: ofStreams(({ toTenMs }) => toTenMs),
			because: 'the platform finds the sockets of a tag, and no others are looked at',
		},
		{
			of: 'streams',
			what: 'time of a publish to all',
			points: ofStreams(({ toAllMs }) => toAllMs),
			because: 'a socket is written for each stream',
		},
		changed('growing-kv', 'KV', 1_000, 'a list names 1,000 keys'),
		changed('growing-object', 'Durable Objects', 10, 'a row is read for each'),
		told('growing-kv', 'KV'),
		told('growing-object', 'Durable Objects'),
	];
}

/** By the power of the number that the figure grows with, from its first point to its last. */
export function shapeOf(curve: Curve): string {
	const [[from, first], [to, last]] = ends(curve);
	const power = Math.log(last / first) / Math.log(to / from);
	if (Math.abs(power) < 0.15) return 'flat';
	if (power < 0) return 'falling';
	if (power < 0.85) return 'less than linear';
	return power <= 1.15 ? 'linear' : 'more than linear';
}

function ends({ points }: Curve): [readonly [number, number], readonly [number, number]] {
	return [points[0] ?? [NaN, NaN], points.at(-1) ?? [NaN, NaN]];
}

/** What is asked of the store of the sessions: reads and lists, or the rows that these read. */
function operations({ kvReads = 0, kvLists = 0, rowsRead = 0 }: OperationCounts): number {
	return kvReads + kvLists + rowsRead;
}
