import { places } from './published-latencies.ts';
import type { ObjectRegion, Place } from './published-latencies.ts';

/** What a run of the simulation has to be told. */
interface PlacementOptions {
	readonly seed: number;
	/** How many calls and how many broadcasts are made from each place. */
	readonly samples: number;
}

/** Milliseconds: of the one in the middle, and of the slowest in a hundred. */
export interface Latency {
	readonly medianMs: number;
	readonly p99Ms: number;
}

/**
 * Where objects are. `placed`: a session's object is in the region of its client. `placedFirst`: the
 * same, and the publishing isolate has to ask the root which shards there are. `global`: all sessions
 * have one object.
 */
type Layout = 'placed' | 'placedFirst' | 'global';

/** What the simulation found. */
export interface PlacementResult extends PlacementOptions {
	/** Where one object for all, and the root, do best: a tool call of all places is fastest on average. */
	readonly globalRegion: ObjectRegion;
	/** By place of the client. */
	readonly toolCall: Readonly<Record<string, Record<'placed' | 'global', Latency>>>;
	/** By place of the receiver, sent from anywhere; and until the last of all places has it. */
	readonly broadcast: Readonly<Record<string, Record<Layout, Latency>>>;
}

/** The row of the receiver that gets a broadcast last. */
const LAST_OF_ALL = 'the last of all';

/** Assumed: the round trip between a client and the Worker that serves it. */
export const ACCESS_MS = 20;
/** Assumed: what Worker and object do for a call. */
export const WORK_MS = 2;
/** Assumed: the standard deviation of the logarithm of a round trip. */
export const JITTER = 0.15;

const layouts: readonly Layout[] = ['placed', 'placedFirst', 'global'];

/** Calls and broadcasts of clients at all places, the same for the same seed. */
export function simulatePlacement({ seed, samples }: PlacementOptions): PlacementResult {
	const globalRegion = bestRegion();
	const normal = normalOf(seed);
	/** A round trip around its published length. */
	const roundTrip = (ms: number): number => ms * Math.exp(JITTER * normal());
	const oneWay = (from: Place, region: ObjectRegion): number =>
		roundTrip(from.roundTripMs[region]) / 2;
	const access = (): number => roundTrip(ACCESS_MS);

	const call = (place: Place, region: ObjectRegion): number =>
		access() + roundTrip(place.roundTripMs[region]) + WORK_MS;
	const calls = (place: Place, region: ObjectRegion): Latency =>
		latencyOf(Array.from({ length: samples }, () => call(place, region)));

	/** From the publishing Worker through the object to the client. */
	const arrival = (layout: Layout, from: Place, to: Place): number => {
		const region = layout === 'global' ? globalRegion : to.nearest;
		const asking = layout === 'placedFirst' ? roundTrip(from.roundTripMs[globalRegion]) : 0;
		return asking + oneWay(from, region) + WORK_MS + oneWay(to, region) + access() / 2;
	};
	const broadcasts = (layout: Layout): Record<string, Latency> => {
		const arrivals: Record<string, number[]> = {};
		for (const from of Object.values(places)) {
			for (let sample = 0; sample < samples; sample += 1) {
				let last = 0;
				for (const [name, to] of Object.entries(places)) {
					const ms = arrival(layout, from, to);
					(arrivals[name] ??= []).push(ms);
					last = Math.max(last, ms);
				}
				(arrivals[LAST_OF_ALL] ??= []).push(last);
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
		// Sound: one entry for each layout.
		broadcast: Object.fromEntries(broadcast) as PlacementResult['broadcast'],
	};
}

/** The region that is nearest to all places together. */
function bestRegion(): ObjectRegion {
	const all = Object.values(places);
	const total = (region: ObjectRegion): number =>
		all.reduce((sum, { roundTripMs }) => sum + roundTripMs[region], 0);
	const regions = all.map(({ nearest }) => nearest);
	return regions.reduce((best, region) => (total(region) < total(best) ? region : best));
}

function latencyOf(samples: readonly number[]): Latency {
	const sorted = samples.toSorted((one, other) => one - other);
	const at = (share: number): number =>
		Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? NaN);
	return { medianMs: at(0.5), p99Ms: at(0.99) };
}

/** Numbers of the standard normal distribution, by the method of Box and Muller. */
function normalOf(seed: number): () => number {
	let state = seed;
	// Splitmix of 32 bits; 0 has no logarithm.
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
