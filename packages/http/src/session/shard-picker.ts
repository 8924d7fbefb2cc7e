import type { Region } from '@tmcp-sessions/core';
import {
	MAX_SHARDS,
	regionOfClient,
	REGIONS,
	rejectUnknownOptions,
	shardLabel,
} from '@tmcp-sessions/core/internal';

import { configurationError } from '../configuration-error.ts';
import { PLACEMENT_OPTIONS } from '../option-names.ts';
import type { PlacementOptions } from '../options.ts';

/** Picks the shard of what a request opens: a session or a subscription. */
export type PickShard = (request: Request) => string;

/**
 * Creates a function that picks a random shard of the region that a request came from.
 *
 * @throws {TmcpSessionsError} `configuration` if `shards` is invalid. The function throws it if `region`
 * returns an invalid region.
 */
export function createShardPicker(options: PlacementOptions = {}): PickShard {
	rejectUnknownOptions(options, PLACEMENT_OPTIONS, 'http', 'placement');
	const { shards = 1, region = regionOf } = options;
	if (!Number.isSafeInteger(shards) || shards < 1 || shards > MAX_SHARDS) {
		throw configurationError(
			`placement: shards must be an integer from 1 to ${MAX_SHARDS}; got ${shards}`,
		);
	}
	return (request) => {
		const found = region(request);
		if (found !== undefined && !REGIONS.includes(found)) {
			throw configurationError(
				`placement: region must return one of ${REGIONS.join(', ')}; got ${found}`,
			);
		}
		return shardLabel(found, Math.floor(Math.random() * shards));
	};
}

/** Returns the region that Cloudflare sees; undefined on other platforms. */
function regionOf(request: Request): Region | undefined {
	const cf: unknown = Reflect.get(request, 'cf');
	return typeof cf === 'object' && cf !== null ? regionOfClient(cf) : undefined;
}
