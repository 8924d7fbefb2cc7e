import type { Region } from '@tmcp-sessions/core';
import { fnv1a, regionOfShard, ROOT_SHARD, shardOfSession } from '@tmcp-sessions/core/internal';

/** How many objects a shard of sessions, and all that has no session, is spread over. Fixed: a hash finds them. */
export const OBJECTS = 16;

/** Where something is kept. */
export interface Place {
	/** The name of the object. */
	readonly name: string;
	/** Where it stands, if it is not there yet; `undefined` leaves that to its first caller. */
	readonly region: Region | undefined;
}

/** The object that keeps a session: one of those of the shard that its id names. */
export function placeOfSession(id: string): Place {
	const shard = shardOfSession(id);
	const index = indexOf(id);
	// The root's are called like those of uris, and are the same ones.
	const name = shard === ROOT_SHARD ? objectName(index) : `sessions-${shard}-${index}`;
	return { name, region: regionOfShard(shard) };
}

/** The object that keeps what is of no session: the subscribers of a uri, a claim. */
export function placeOf(index: number): Place {
	return { name: objectName(index), region: undefined };
}

/**
 * The number of the object that keeps what has this key: an id or the hash of a uri. With the
 * finalizer of MurmurHash3, so that keys which differ little are spread evenly too. It says where to
 * look, never what is found there: two keys of one hash stay two.
 */
export function indexOf(key: string): number {
	let hash = fnv1a(key);
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
	return ((hash ^ (hash >>> 16)) >>> 0) % OBJECTS;
}

/** The name of an object that stands in no region. */
export function objectName(index: number): string {
	return `sessions-${index}`;
}
