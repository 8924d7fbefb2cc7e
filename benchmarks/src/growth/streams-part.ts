import type { Effort, Part } from '../bench/part.ts';
import { measureStreams } from './measure-streams.ts';
import type { StreamCost, StreamCosts, StreamsEffort } from './measure-streams.ts';
import { streamsText, toHundred } from './streams-text.ts';

const efforts: Readonly<Record<Effort, StreamsEffort>> = {
	full: { streams: [10, 100, 1_000, 10_000], rounds: 9, times: 50 },
	quick: { streams: [10, 30], rounds: 2, times: 5 },
};

/** Publishing to ten of the most streams costs at most so much more than to ten of a hundred. */
const FLAT = 1.2;

/** What a publish costs one object, with few streams and with many. */
export const streamsPart: Part = async (effort, onProgress) => {
	const costs = await measureStreams(efforts[effort], onProgress);
	const result = { ours: costs.ours.map(rounded), upstream: costs.upstream.map(rounded) };
	return {
		result,
		text: streamsText(result),
		shortfalls: effort === 'quick' ? [] : shortfallsOf(result),
	};
};

function shortfallsOf({ ours }: StreamCosts): string[] {
	const most = ours.at(-1);
	const ratio = most ? toHundred(ours, most) : NaN;
	if (ratio <= FLAT) return [];
	return [
		`Publishing to 10 of ${most?.streams} takes ${ratio.toFixed(2)} of the time to 10 of 100, expected at most ${FLAT}.`,
	];
}

function rounded({ streams, toTenMs, toAllMs }: StreamCost): StreamCost {
	return { streams, toTenMs: Number(toTenMs.toFixed(3)), toAllMs: Number(toAllMs.toFixed(2)) };
}
