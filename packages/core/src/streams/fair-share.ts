import type { LogBounds } from './message-log.ts';

/** What the entry of a log takes, and whose it is. */
export interface SharedEntry {
	/** The client of the session, as `RequestScope.client`. Empty if it is unknown. */
	readonly client: string;
	/** The session that the entry is for. Empty if it is for several. */
	readonly session: string;
	readonly bytes: number;
}

/** The size of a log. A type alias: the type parameter of `SqlStorage.exec` accepts no interface. */
export type LogSize = {
	messages: number;
	bytes: number;
};

/** How far a log may exceed its bounds before it is pruned: many entries at a time, not one per message. */
const PRUNE_MARGIN = 1.25;

/** Whether a log exceeds its bounds by so much that it has to be pruned. */
export function needsPruning({ messages, bytes }: LogSize, bounds: LogBounds): boolean {
	return messages > bounds.messages * PRUNE_MARGIN || bytes > bounds.bytes * PRUNE_MARGIN;
}

/** A quantity that a log bounds. */
type SizeOf = (entry: SharedEntry) => number;

/** The widest owner first. A session without a known client stands for itself. */
const OWNERS: readonly ((entry: SharedEntry) => string)[] = [
	({ client, session }) => client || session,
	({ session }) => session,
];

/**
 * Returns the entries to remove from a log that exceeds its bounds. They are the oldest of the client
 * that takes most and, of its sessions, of the one that takes most. So an owner that takes less than an
 * equal share loses nothing, whatever the others write.
 *
 * @param entries oldest first.
 */
export function entriesBeyond<Entry extends SharedEntry>(
	entries: readonly Entry[],
	{ bytes, messages }: Pick<LogBounds, 'bytes' | 'messages'>,
): Set<Entry> {
	const removed = new Set(excess(entries, bytes, ({ bytes: size }) => size, OWNERS));
	const remaining = entries.filter((entry) => !removed.has(entry));
	for (const entry of excess(remaining, messages, () => 1, OWNERS)) removed.add(entry);
	return removed;
}

/** Yields entries until the others fit. */
function* excess<Entry extends SharedEntry>(
	entries: readonly Entry[],
	max: number,
	sizeOf: SizeOf,
	[ownerOf, ...narrower]: typeof OWNERS,
): Generator<Entry> {
	let beyond = sum(entries, sizeOf) - max;
	if (!ownerOf) {
		for (const entry of entries) {
			if (beyond <= 0) return;
			beyond -= sizeOf(entry);
			yield entry;
		}
		return;
	}
	const owners = groupBy(entries, ownerOf)
		.map((own) => ({ own, size: sum(own, sizeOf) }))
		.toSorted((one, other) => other.size - one.size);
	const share = equalShare(
		owners.map(({ size }) => size),
		max,
	);
	for (const { own, size } of owners) {
		if (beyond <= 0) return;
		for (const entry of excess(own, Math.max(share, size - beyond), sizeOf, narrower)) {
			beyond -= sizeOf(entry);
			yield entry;
		}
	}
}

/** Returns the size to which all sizes have to be cut so that their sum is `max`. */
function equalShare(largestFirst: readonly number[], max: number): number {
	let remaining = max;
	for (let index = largestFirst.length - 1; index >= 0; index--) {
		const size = largestFirst[index] ?? 0;
		if (size * (index + 1) > remaining) return remaining / (index + 1);
		remaining -= size;
	}
	return max;
}

/** Groups entries in the order of the first one of each group. */
function groupBy<Entry>(entries: readonly Entry[], keyOf: (entry: Entry) => string): Entry[][] {
	const groups = new Map<string, Entry[]>();
	for (const entry of entries) {
		const key = keyOf(entry);
		const group = groups.get(key);
		if (group) group.push(entry);
		else groups.set(key, [entry]);
	}
	return [...groups.values()];
}

function sum(entries: readonly SharedEntry[], sizeOf: SizeOf): number {
	return entries.reduce((total, entry) => total + sizeOf(entry), 0);
}
