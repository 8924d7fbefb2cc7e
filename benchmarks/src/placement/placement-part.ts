import type { Part } from '../bench/part.ts';
import { placementText } from './placement-text.ts';
import { simulatePlacement } from './simulate-placement.ts';

/** The simulation, which is the same at every effort: it is compared with what is published. */
export const placementPart: Part = () => {
	const result = simulatePlacement({ seed: 1, samples: 10_000 });
	return Promise.resolve({
		result,
		text: placementText(result),
		shortfalls: [],
	});
};
