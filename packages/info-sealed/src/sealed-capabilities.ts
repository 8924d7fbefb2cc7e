import type { StoreCapabilities } from '@tmcp-sessions/core/backend';

import { MAX_NAME_LENGTH } from './sealed-ids.ts';

/**
 * What sealed sessions promise: what `rest` does, later by what an isolate takes for true. Without a
 * `rest` nothing ever changes.
 */
export function capabilitiesOver(
	rest: StoreCapabilities | undefined,
	recheckSeconds: number,
): StoreCapabilities {
	if (!rest) {
		return {
			consistency: 'strong',
			visibleWithinSeconds: 0,
			ttlFloorSeconds: 0,
			atomicUpdate: true,
			maxIdBytes: MAX_NAME_LENGTH,
		};
	}
	const isLate = rest.consistency === 'strong' && recheckSeconds > 0;
	return {
		...rest,
		consistency: isLate ? 'eventual' : rest.consistency,
		visibleWithinSeconds: rest.visibleWithinSeconds + recheckSeconds,
	};
}
