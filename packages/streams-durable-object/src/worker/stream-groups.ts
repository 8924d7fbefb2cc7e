import { SharedGroup } from './shared-group.ts';
import type { GroupedStream } from './shared-group.ts';
import { MAX_GROUP_SIZE } from '../wire/stream-messages.ts';
import type { StreamPlace } from '../wire/stream-messages.ts';

/** A place that a stream has taken. */
export interface TakenPlace extends StreamPlace {
	/** The streams that it shares sockets with. */
	readonly shared: SharedGroup;
	/** Leaves the place. Calls after the first do nothing. */
	leave(): void;
}

/**
 * Groups the streams of one isolate that belong to the same object, so that the object sends a message
 * for all of them once. The request that receives it hands it over to the requests of the others.
 */
export class StreamGroups {
	/** Created at the first stream: an isolate has no randomness before its first request. */
	#isolate: string | undefined;
	#groupCount = 0;
	#memberCount = 0;
	/** By shard. */
	readonly #groups = new Map<string, SharedGroup[]>();
	readonly #isSupported: boolean;

	/** @param isSupported whether requests of this Worker can wake each other. */
	constructor(isSupported: boolean = canWakeRequests()) {
		this.#isSupported = isSupported;
	}

	/**
	 * Takes a place for a stream of a shard.
	 *
	 * @param preferred the group that it has left, if it replaces a socket there.
	 * @returns `undefined` if the runtime does not support groups.
	 */
	join(stream: GroupedStream, shard: string, preferred?: SharedGroup): TakenPlace | undefined {
		if (!this.#isSupported) return undefined;
		const group = preferred ?? this.#groupWithPlace(shard);
		const member = this.#memberCount++;
		group.add(member, stream);
		return { group: group.name, member, shared: group, leave: () => group.remove(member) };
	}

	/** Returns a group that is not full. Removes streams that have ended before it creates another group. */
	#groupWithPlace(shard: string): SharedGroup {
		const groups = this.#groups.get(shard) ?? [];
		const hasPlace = ({ size }: SharedGroup): boolean => size < MAX_GROUP_SIZE;
		const found = groups.find(hasPlace);
		if (found) return found;
		for (const group of groups) group.removeEnded();
		const freed = groups.find(hasPlace);
		if (freed) return freed;
		this.#isolate ??= crypto.randomUUID();
		const created = new SharedGroup(`${this.#isolate}.${this.#groupCount++}`);
		this.#groups.set(shard, [...groups, created]);
		return created;
	}
}

/**
 * Returns whether a request that awaits a promise continues in its own context after another request has
 * resolved it: the default from compatibility date 2024-10-14 on. Otherwise it continues in that of the
 * other request, where it can write neither to its client nor to its socket.
 */
function canWakeRequests(): boolean {
	const { Cloudflare: runtime } = globalThis as {
		Cloudflare?: { compatibilityFlags?: Readonly<Record<string, boolean>> };
	};
	return runtime?.compatibilityFlags?.['handle_cross_request_promise_resolution'] === true;
}
