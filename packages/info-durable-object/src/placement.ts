import type { Region } from '@tmcp-sessions/core';
import { fnv1a, regionOfShard, ROOT_SHARD, shardOfSession } from '@tmcp-sessions/core/internal';

/**
 * The number of objects of each shard. Subscribers and claims belong to no session; they are in the
 * objects of the root shard. Fixed, because the hash of a key selects its object.
 */
export const OBJECTS_PER_SHARD = 16;

/** How to address an object. */
export interface ObjectLocation {
	/** The name of the object. */
	readonly name: string;
	/** The location hint for its creation; without one, it is created near its first caller. */
	readonly region: Region | undefined;
}

/** Returns the object that stores a session: one of the shard that its id names. */
export function locationOfSession(id: string): ObjectLocation {
	return locationInShard(shardOfSession(id), objectIndexOf(id));
}

/** Returns an object of a shard. */
export function locationInShard(shard: string, index: number): ObjectLocation {
	const name = shard === ROOT_SHARD ? objectName(index) : `sessions-${shard}-${index}`;
	return { name, region: regionOfShard(shard) };
}

/** Returns an object of the root shard, which stores subscribers and claims. */
export function locationOfObject(index: number): ObjectLocation {
	return { name: objectName(index), region: undefined };
}

/**
 * Returns the index of the object for a key: an id or the hash of a uri. The finalizer of MurmurHash3
 * spreads similar keys evenly. Collisions are harmless, because objects store the whole key.
 */
export function objectIndexOf(key: string): number {
	let hash = fnv1a(key);
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
	return ((hash ^ (hash >>> 16)) >>> 0) % OBJECTS_PER_SHARD;
}

/** Returns the name of an object of the root shard. */
export function objectName(index: number): string {
	return `sessions-${index}`;
}
