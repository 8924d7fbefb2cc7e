import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { Region } from '@tmcp-sessions/core';
import { MAX_SHARDS, regionOfClient, REGIONS, shardLabel } from '@tmcp-sessions/core/internal';

import type { PlacementOptions } from '../options.ts';

/** Says in which shard stands what a request begins: a session, a listener. */
export type ShardOf = (request: Request) => string;

/**
 * Any of the shards of the region that the request came from.
 *
 * @throws {TmcpSessionsError} `configuration`, where `shards` is no number of shards; what comes back
 * throws it where `region` gives none.
 */
export function placement({ shards = 1, region = regionOf }: PlacementOptions = {}): ShardOf {
	if (!Number.isSafeInteger(shards) || shards < 1 || shards > MAX_SHARDS) {
		throw misplaced(`shards must be a whole number from 1 to ${MAX_SHARDS}; found ${shards}`);
	}
	return (request) => {
		const found = region(request);
		if (found !== undefined && !REGIONS.includes(found)) {
			throw misplaced(`region must return one of ${REGIONS.join(', ')}; found ${found}`);
		}
		return shardLabel(found, Math.floor(Math.random() * shards));
	};
}

/** As Cloudflare tells it; nowhere on other platforms. */
function regionOf(request: Request): Region | undefined {
	const cf: unknown = Reflect.get(request, 'cf');
	return typeof cf === 'object' && cf !== null ? regionOfClient(cf) : undefined;
}

function misplaced(reason: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', 'http', `placement: ${reason}`);
}
