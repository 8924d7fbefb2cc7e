import type { Effort, Part } from '../bench/part.ts';
import { coldStartText } from './cold-start-text.ts';
import { measureColdStart } from './measure-cold-start.ts';

const rounds: Readonly<Record<Effort, number>> = { full: 21, quick: 1 };

/** What it takes to be loaded, and to answer first. */
export const coldStartPart: Part = async (effort, onProgress) => {
	const result = await measureColdStart(rounds[effort], onProgress);
	return {
		result,
		text: coldStartText(result),
		shortfalls: [],
	};
};
