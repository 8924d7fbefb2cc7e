import { describe, expect, it } from 'vitest';
import { shardOf } from '../src/placement.ts';

const SHARDS = 16;
const KEYS = 16_000;
/** Chi-square with 15 degrees of freedom is above this once in ten thousand times. */
const CHI_SQUARE = 44.3;

/** mulberry32: the same numbers at every run. */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

const random = randomFrom(20_261_121);
const hex = (length: number): string =>
	Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');

describe('sessions are spread evenly over the shards', () => {
	it.each<[string, (index: number) => string]>([
		['random ids', () => hex(32)],
		['uuids', () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`],
		['ids that count up', (index) => `session-${index}`],
		['ids that differ at the front', (index) => `${index}-of-a-long-common-tail-of-all-ids`],
		[
			'ids whose characters have the same low bits',
			(index) => index.toString(2).replaceAll('0', 'a').replaceAll('1', 'q'),
		],
		['ids of one repeated character', (index) => '%20'.repeat(index % 300) + (index % 54)],
	])('%s', (_what, keyOf) => {
		const counts = Array.from({ length: SHARDS }, () => 0);
		const keys = new Set(Array.from({ length: KEYS }, (_, index) => keyOf(index)));
		for (const key of keys) {
			const shard = shardOf(key, SHARDS);
			counts[shard] = (counts[shard] ?? NaN) + 1;
		}
		const mean = keys.size / SHARDS;
		const chiSquare = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
		expect(chiSquare, counts.join()).toBeLessThan(CHI_SQUARE);
	});

	it('and stay where they are: another release finds them', () => {
		expect(['', 'a', 'b', '4f9c1d7a', '%F0%9F%9A%80'].map((key) => shardOf(key, SHARDS))).toEqual([
			11, 3, 2, 14, 11,
		]);
	});
});
