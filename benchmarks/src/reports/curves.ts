import type { Growing, Growth } from '../measurements/growth.ts';
import type { StreamCost, StreamCosts } from '../measurements/streams.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { table } from './markdown.ts';

type Point = readonly [count: number, figure: number];

/** A figure as a function of a number that grows. */
interface Curve {
	readonly of: 'sessions' | 'streams' | 'subscribers';
	readonly figure: string;
	/** Starts where the fixed part of the figure no longer dominates. */
	readonly points: readonly Point[];
	readonly because: string;
}

/** A row for each curve: its growth, its shape and the cause. */
export function curvesTable(growth: Growth, streams: StreamCosts): string {
	return table(
		['grows', 'figure', 'by a factor of', 'shape', 'because'],
		curvesOf(growth, streams).map((curve) => {
			const [[from, first], [to, last]] = ends(curve);
			return [
				`${curve.of}, ${from.toLocaleString('en')} to ${to.toLocaleString('en')}`,
				curve.figure,
				(last / first).toLocaleString('en', { maximumSignificantDigits: 2 }),
				shapeOf(curve),
				curve.because,
			];
		}),
	);
}

/** Returns the measured and counted figures that may grow with sessions, streams and subscribers. */
export function curvesOf({ sessions, subscribers }: Growth, { ours }: StreamCosts): Curve[] {
	const callCurves = (name: Growing, title: string, because: string): Curve[] => [
		{
			of: 'sessions',
			figure: `operations of a call, ${title}`,
			points: sessions.map((point) => [point.sessions, countOperations(point.operations[name])]),
			because,
		},
		{
			of: 'sessions',
			figure: `speed of a call, ${title}`,
			points: sessions.map((point) => [point.sessions, point.toBareWorker[name]]),
			because: 'its key finds it',
		},
	];
	const streamPoints = (cost: (each: StreamCost) => number): Point[] =>
		ours.filter(({ streams }) => streams >= 100).map((each) => [each.streams, cost(each)]);
	const from = (least: number): typeof subscribers =>
		subscribers.filter((point) => point.subscribers >= least);
	const timeCurve = (name: Growing, title: string): Curve => ({
		of: 'subscribers',
		figure: `time until one is notified of a change, ${title}`,
		points: from(100).map((point) => [point.subscribers, point.notifiedMs[name]]),
		because: 'besides fixed costs, all are read and named to the object with the streams',
	});
	const changeCurve = (name: Growing, title: string, least: number, because: string): Curve => ({
		of: 'subscribers',
		figure: `operations of a change, ${title}`,
		points: from(least).map((point) => [
			point.subscribers,
			countOperations(point.operations[name]),
		]),
		because,
	});
	return [
		...callCurves('growing-kv', 'KV', 'it reads one key'),
		...callCurves('growing-object', 'Durable Objects', 'it reads one row by its primary key'),
		{
			of: 'streams',
			figure: 'time of a publication to ten',
			points: streamPoints(({ toTenMs }) => toTenMs),
			because: 'the platform finds the sockets of a tag without reading others',
		},
		{
			of: 'streams',
			figure: 'time of a publication to all',
			points: streamPoints(({ toAllMs }) => toAllMs),
			because: 'each stream has a socket to write',
		},
		changeCurve('growing-kv', 'KV', 1_000, 'a list returns 1,000 keys'),
		changeCurve('growing-object', 'Durable Objects', 10, 'each has a row to read'),
		timeCurve('growing-kv', 'KV'),
		timeCurve('growing-object', 'Durable Objects'),
	];
}

/** Names the power of the number with which the figure grows, from the first point to the last. */
export function shapeOf(curve: Curve): string {
	const [[from, first], [to, last]] = ends(curve);
	const power = Math.log(last / first) / Math.log(to / from);
	if (Math.abs(power) < 0.15) return 'flat';
	if (power < 0) return 'falling';
	if (power < 0.85) return 'less than linear';
	return power <= 1.15 ? 'linear' : 'more than linear';
}

function ends({ points }: Curve): [Point, Point] {
	return [points[0] ?? [NaN, NaN], points.at(-1) ?? [NaN, NaN]];
}

/** Counts reads and lists of the session store, or the rows that they read. */
function countOperations({ kvReads = 0, kvLists = 0, rowsRead = 0 }: OperationCounts): number {
	return kvReads + kvLists + rowsRead;
}
