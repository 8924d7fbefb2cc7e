import type { StoreCapabilities } from './session-store.ts';

const WEAKEST_FIRST = ['isolate', 'eventual', 'strong'] as const;

/** Returns what stores guarantee together: the weakest of each guarantee. */
export function combineCapabilities(all: readonly StoreCapabilities[]): StoreCapabilities {
	const consistencies = all.map(({ consistency }) => consistency);
	return {
		consistency: WEAKEST_FIRST.find((each) => consistencies.includes(each)) ?? 'strong',
		visibleWithinSeconds: Math.max(...all.map((each) => each.visibleWithinSeconds)),
		ttlFloorSeconds: Math.max(...all.map(({ ttlFloorSeconds }) => ttlFloorSeconds)),
		atomicUpdate: all.every(({ atomicUpdate }) => atomicUpdate),
		maxIdBytes: Math.min(...all.map(({ maxIdBytes }) => maxIdBytes)),
	};
}
