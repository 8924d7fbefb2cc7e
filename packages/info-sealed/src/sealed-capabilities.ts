import type { StoreCapabilities } from '@tmcp-sessions/core/backend';

import { MAX_INTERNAL_ID_LENGTH } from './sealed-ids.ts';

/**
 * Returns the capabilities of sealed sessions: those of `rest`, with writes visible `recheckSeconds`
 * later. Without `rest`, nothing changes after `initialize`.
 */
export function sealedCapabilities(
	rest: StoreCapabilities | undefined,
	recheckSeconds: number,
): StoreCapabilities {
	if (!rest) {
		return {
			consistency: 'strong',
			visibleWithinSeconds: 0,
			ttlFloorSeconds: 0,
			atomicUpdate: true,
			maxIdBytes: MAX_INTERNAL_ID_LENGTH,
		};
	}
	const isDelayed = rest.consistency === 'strong' && recheckSeconds > 0;
	return {
		...rest,
		consistency: isDelayed ? 'eventual' : rest.consistency,
		visibleWithinSeconds: rest.visibleWithinSeconds + recheckSeconds,
	};
}
