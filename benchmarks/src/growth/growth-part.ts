import type { Effort, Part } from '../bench/part.ts';
import { growthText } from './growth-text.ts';
import { measureGrowth } from './measure-growth.ts';
import type { GrowthEffort } from './measure-growth.ts';

const efforts: Readonly<Record<Effort, GrowthEffort>> = {
	full: {
		sessions: [10, 100, 1_000, 10_000, 100_000],
		subscribers: [10, 100, 1_000, 10_000],
		rounds: 5,
		calls: 20,
	},
	quick: { sessions: [10, 50], subscribers: [10, 50], rounds: 1, calls: 1 },
};

/** What grows with the number of sessions and of subscribers. */
export const growthPart: Part = async (effort, onProgress) => {
	const result = await measureGrowth(efforts[effort], onProgress);
	return { result, text: growthText(result), shortfalls: [] };
};
