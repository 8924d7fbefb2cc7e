import { loggedFrame } from '@tmcp-sessions/core/internal';

import { MAX_GROUP_SIZE } from '../wire/stream-messages.ts';
import type { GroupMessage, StreamPlace } from '../wire/stream-messages.ts';

/** Receives the frames of one stream, in the request of another. */
export type FrameReceiver = (number: number, frame: string) => void;

/** A place that a stream has taken. */
export interface TakenPlace extends StreamPlace {
	/** Leaves the place. Calls after the first do nothing. */
	leave(): void;
}

/** A stream that takes a place. */
interface GroupedStream {
	readonly receive: FrameReceiver;
	/** Whether the stream still accepts frames. Its request may have ended without leaving the place. */
	readonly isOpen: () => boolean;
}

interface Group {
	readonly name: string;
	/** By member number. */
	readonly members: Map<number, GroupedStream>;
}

/**
 * Groups the streams of one isolate that have sockets to the same object, so that the object sends a
 * message for all of them once. The request that receives it hands it over to the requests of the others.
 */
export class StreamGroups {
	/** Created at the first stream: an isolate has no randomness before its first request. */
	#isolate: string | undefined;
	#groupCount = 0;
	#memberCount = 0;
	/** By shard. */
	readonly #groups = new Map<string, Group[]>();
	/** Those that have not left, by member number. */
	readonly #receivers = new Map<number, FrameReceiver>();
	readonly #isSupported: boolean;

	/** @param isSupported whether requests of this Worker can wake each other. */
	constructor(isSupported: boolean = canWakeRequests()) {
		this.#isSupported = isSupported;
	}

	/**
	 * Takes a place for a stream that opens a socket to the object of a shard.
	 *
	 * @returns `undefined` if the runtime does not support groups.
	 */
	join(stream: GroupedStream, shard: string): TakenPlace | undefined {
		if (!this.#isSupported) return undefined;
		const group = this.#groupWithPlace(shard);
		const member = this.#memberCount++;
		group.members.set(member, stream);
		this.#receivers.set(member, stream.receive);
		return { group: group.name, member, leave: () => this.#remove(group, member) };
	}

	/** Gives each receiver its frame. Receivers that have left open another stream, or resume. */
	distribute({ to, frame, sequence, ...log }: GroupMessage): void {
		for (const [member, number, channel] of to) {
			this.#receivers.get(member)?.(number, loggedFrame(log, channel, sequence, frame));
		}
	}

	/** Returns a group that is not full. Removes streams that have ended before it creates another group. */
	#groupWithPlace(shard: string): Group {
		const groups = this.#groups.get(shard) ?? [];
		const hasPlace = ({ members }: Group): boolean => members.size < MAX_GROUP_SIZE;
		const found = groups.find(hasPlace);
		if (found) return found;
		for (const group of groups) {
			for (const [member, { isOpen }] of group.members) if (!isOpen()) this.#remove(group, member);
		}
		const freed = groups.find(hasPlace);
		if (freed) return freed;
		this.#isolate ??= crypto.randomUUID();
		const created = {
			name: `${this.#isolate}.${this.#groupCount++}`,
			members: new Map<number, GroupedStream>(),
		};
		this.#groups.set(shard, [...groups, created]);
		return created;
	}

	#remove({ members }: Group, member: number): void {
		members.delete(member);
		this.#receivers.delete(member);
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
