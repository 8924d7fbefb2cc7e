/**
 * The shard that keeps what has this key: an id or the hash of a uri. FNV-1a with the finalizer of
 * MurmurHash3, so that keys which differ little are spread evenly too. It says where to look, never
 * what is found there: two keys of one hash stay two.
 *
 * @param shards how many there are; the result is from 0 up to and without this.
 */
export function shardOf(key: string, shards: number): number {
	let hash = 0x811c9dc5;
	for (let index = 0; index < key.length; index++) {
		hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
	}
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
	return ((hash ^ (hash >>> 16)) >>> 0) % shards;
}

/** The name of the object that is this shard. */
export function objectName(shard: number): string {
	return `sessions-${shard}`;
}
