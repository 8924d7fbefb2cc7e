import type { StoreCapabilities } from './session-store.ts';

const WEAKEST_FIRST = ['isolate', 'eventual', 'strong'] as const;

/** What stores promise together: of each promise the weakest. */
export function combinedCapabilities(parts: readonly StoreCapabilities[]): StoreCapabilities {
	const consistencies = parts.map(({ consistency }) => consistency);
	return {
		consistency: WEAKEST_FIRST.find((each) => consistencies.includes(each)) ?? 'strong',
		visibleWithinSeconds: Math.max(...parts.map((part) => part.visibleWithinSeconds)),
		ttlFloorSeconds: Math.max(...parts.map(({ ttlFloorSeconds }) => ttlFloorSeconds)),
		atomicUpdate: parts.every(({ atomicUpdate }) => atomicUpdate),
		maxIdBytes: Math.min(...parts.map(({ maxIdBytes }) => maxIdBytes)),
	};
}
