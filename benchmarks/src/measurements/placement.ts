import { table } from '../reports/markdown.ts';
import type { Measurement } from './measurement.ts';
import { latencySources, places } from './published-latencies.ts';
import type { ObjectRegion, Place } from './published-latencies.ts';

interface PlacementOptions {
	readonly seed: number;
	/** Calls and broadcasts from each place. */
	readonly samples: number;
}

/** Percentiles in milliseconds. */
interface Latency {
	readonly medianMs: number;
	readonly p99Ms: number;
}

/**
 * Where objects are. `placed`: a session's object is in the region of its client. `placedFirst`: the
 * same, and the publishing isolate first reads the list of shards. `global`: all sessions share one
 * object.
 */
type Layout = 'placed' | 'placedFirst' | 'global';

/** The latencies of the simulated layouts. */
export interface PlacementResult extends PlacementOptions {
	/** The best region for one object and for the root: its average tool call is the fastest. */
	readonly globalRegion: ObjectRegion;
	/** By place of the client. */
	readonly toolCall: Readonly<Record<string, Record<'placed' | 'global', Latency>>>;
	/** By place of the receiver of a broadcast from anywhere, and until the last place has it. */
	readonly broadcast: Readonly<Record<string, Record<Layout, Latency>>>;
}

/** The row of the slowest receiver. */
const LAST_OF_ALL = 'the last of all';

/** Assumed round trip between a client and the Worker that serves it. */
const ACCESS_MS = 20;
/** Assumed processing time of Worker and object. */
const PROCESSING_MS = 2;
/** Assumed standard deviation of the logarithm of a round trip. */
const JITTER = 0.15;

const layouts: readonly Layout[] = ['placed', 'placedFirst', 'global'];

/** Simulates objects in several regions. Both efforts give the same result, which a test compares. */
export const placement: Measurement<PlacementResult> = {
	measure: () => Promise.resolve(simulate({ seed: 1, samples: 10_000 })),

	format({ globalRegion, seed, samples, toolCall, broadcast }) {
		const titleOfPlace = (name: string): string => {
			const place = places[name];
			return place ? `${place.continent}: ${name}` : name;
		};
		const calls = table(
			['tool call from', 'session in the region', 'placed', `one object in \`${globalRegion}\``],
			Object.entries(toolCall).map(([name, { placed, global }]) => [
				titleOfPlace(name),
				`\`${places[name]?.nearest ?? ''}\``,
				formatLatency(placed),
				formatLatency(global),
			]),
		);
		const broadcasts = table(
			[
				'a broadcast from anywhere reaches',
				'shards cached',
				'shards read first',
				`one object in \`${globalRegion}\``,
			],
			Object.entries(broadcast).map(([name, { placed, placedFirst, global }]) => [
				titleOfPlace(name),
				formatLatency(placed),
				formatLatency(placedFirst),
				formatLatency(global),
			]),
		);
		const { between, within } = latencySources;
		return [
			'Median and 99th percentile in milliseconds:',
			calls,
			broadcasts,
			[
				`${samples.toLocaleString('en')} calls and as many broadcasts from each place, seed ${seed}.`,
				`Round trips between regions: [${between.title}](${between.url}), ${between.description}.`,
				`Within a region: [${within.title}](${within.url}), ${within.description}.`,
				`Each published figure is the median of a log-normal distribution whose logarithm has a standard deviation of ${JITTER}.`,
				`Assumed: ${ACCESS_MS} ms between a client and its Worker, and ${PROCESSING_MS} ms of processing.`,
				'Objects with a hint for South America or Africa are created in `enam` and `weur`, as the second source shows.',
			].join(' '),
		].join('\n\n');
	},

	shortfalls: () => [],
};

function simulate({ seed, samples }: PlacementOptions): PlacementResult {
	const globalRegion = bestRegion();
	const normal = normalNumbers(seed);
	/** Returns a random round trip around its published length. */
	const roundTrip = (ms: number): number => ms * Math.exp(JITTER * normal());
	const oneWay = (from: Place, region: ObjectRegion): number =>
		roundTrip(from.roundTripMs[region]) / 2;
	const access = (): number => roundTrip(ACCESS_MS);

	const call = (place: Place, region: ObjectRegion): number =>
		access() + roundTrip(place.roundTripMs[region]) + PROCESSING_MS;
	const calls = (place: Place, region: ObjectRegion): Latency =>
		latencyOf(Array.from({ length: samples }, () => call(place, region)));

	/** From the publishing Worker through the object to the client. */
	const arrival = (layout: Layout, from: Place, to: Place): number => {
		const region = layout === 'global' ? globalRegion : to.nearest;
		const reading = layout === 'placedFirst' ? roundTrip(from.roundTripMs[globalRegion]) : 0;
		return reading + oneWay(from, region) + PROCESSING_MS + oneWay(to, region) + access() / 2;
	};
	const broadcasts = (layout: Layout): Record<string, Latency> => {
		const arrivals: Record<string, number[]> = {};
		for (const from of Object.values(places)) {
			for (let sample = 0; sample < samples; sample += 1) {
				let lastMs = 0;
				for (const [name, to] of Object.entries(places)) {
					const ms = arrival(layout, from, to);
					(arrivals[name] ??= []).push(ms);
					lastMs = Math.max(lastMs, ms);
				}
				(arrivals[LAST_OF_ALL] ??= []).push(lastMs);
			}
		}
		return mapValues(arrivals, latencyOf);
	};

	const toolCall = mapValues(places, (place) => ({
		placed: calls(place, place.nearest),
		global: calls(place, globalRegion),
	}));
	const byLayout = layouts.map((layout) => [layout, broadcasts(layout)] as const);
	const receivers = Object.keys(byLayout[0]?.[1] ?? {});
	const broadcast = receivers.map((name) => [
		name,
		Object.fromEntries(byLayout.map(([layout, latencies]) => [layout, latencies[name]])),
	]);
	return {
		seed,
		samples,
		globalRegion,
		toolCall,
		// Safe because there is one entry for each layout.
		broadcast: Object.fromEntries(broadcast) as PlacementResult['broadcast'],
	};
}

/** Returns the region with the smallest sum of round trips to all places. */
function bestRegion(): ObjectRegion {
	const all = Object.values(places);
	const total = (region: ObjectRegion): number =>
		all.reduce((sum, { roundTripMs }) => sum + roundTripMs[region], 0);
	const regions = all.map(({ nearest }) => nearest);
	return regions.reduce((best, region) => (total(region) < total(best) ? region : best));
}

function latencyOf(samples: readonly number[]): Latency {
	const sorted = samples.toSorted((one, other) => one - other);
	const percentile = (share: number): number =>
		Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? NaN);
	return { medianMs: percentile(0.5), p99Ms: percentile(0.99) };
}

function formatLatency({ medianMs, p99Ms }: Latency): string {
	return `${medianMs}, ${p99Ms}`;
}

/** Returns a generator of standard normal numbers (Box-Muller over SplitMix32). */
function normalNumbers(seed: number): () => number {
	let state = seed;
	/** Never 0, which has no logarithm. */
	const uniform = (): number => {
		state = (state + 0x9e3779b9) | 0;
		let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
		mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
		return (((mixed ^ (mixed >>> 15)) >>> 0) + 1) / (2 ** 32 + 1);
	};
	return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function mapValues<Value, Result>(
	record: Readonly<Record<string, Value>>,
	change: (value: Value) => Result,
): Record<string, Result> {
	return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
