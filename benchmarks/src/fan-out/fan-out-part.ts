import type { Effort, Part } from '../bench/part.ts';
import { fanOutOf, fanOutText } from './fan-out-text.ts';
import { losing, measureFanOut } from './measure-fan-out.ts';
import { mostConnections } from './open-files.ts';
import type { FanOutEffort } from './measure-fan-out.ts';

const efforts: Readonly<Record<Effort, FanOutEffort>> = {
	full: {
		streams: 1_000,
		rounds: 9,
		roundsAlone: 3,
		large: { streams: Math.min(10_000, mostConnections()), rounds: 1 },
	},
	quick: { streams: 20, rounds: 1, roundsAlone: 1, large: { streams: 40, rounds: 1 } },
};

/** How long a message takes to many streams, and to ten of many. */
export const fanOutPart: Part = async (effort, onProgress) => {
	const result = fanOutOf(await measureFanOut(efforts[effort], onProgress), efforts[effort]);
	const lost = Object.entries({ ...result.sideBySide }).filter(
		([name, { all, some }]) => !losing.some((each) => each === name) && all.lost + some.lost > 0,
	);
	return {
		result,
		text: fanOutText(result),
		shortfalls: lost.map(([name]) => `${name} has lost messages`),
	};
};
