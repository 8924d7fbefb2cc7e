/** From the message `from` on, `channel` is the current one. */
type ChannelChange = readonly [from: number, channel: number];

/**
 * Records which stream each message of a session was sent on. A stream that is opened (not resumed)
 * gets a new channel, and each message belongs to the channel that is current when it is sent. Plain
 * data: it is stored as JSON.
 */
export interface ChannelHistory {
	/** The last opened channels. Their numbers increase. */
	readonly channels: readonly number[];
	/** The changes of the current channel, in order. */
	readonly changes: readonly ChannelChange[];
	/** The highest sequence of a message to this session that is no longer stored; 0 if none was lost. */
	readonly lost: number;
}

/** Older entries are removed, and their messages count as lost: clients resume recent streams. */
const MAX_CHANNELS = 32;
const MAX_CHANGES = 128;

/** Adds a channel, which is current from the message `next` on. */
export function withNewChannel(
	history: ChannelHistory | undefined,
	channel: number,
	next: number,
): ChannelHistory {
	const { channels, changes, lost } = history ?? { channels: [], changes: [], lost: 0 };
	return withCurrentChannel({ channels: [...channels, channel], changes, lost }, channel, next);
}

/** Makes a channel the current one from the message `from` on. */
export function withCurrentChannel(
	history: ChannelHistory,
	channel: number,
	from: number,
): ChannelHistory {
	if (history.changes.at(-1)?.[1] === channel) return history;
	const changes = history.changes.filter(([before]) => before < from);
	changes.push([from, channel]);
	const remaining = changes.slice(-MAX_CHANGES);
	const [first = from] = remaining[0] ?? [];
	const removed = remaining.length < changes.length ? first - 1 : 0;
	return {
		channels: recent(history.channels, channel),
		changes: remaining,
		lost: Math.max(history.lost, removed),
	};
}

/** The last opened channels and the current one, which may be older. */
function recent(channels: readonly number[], current: number): number[] {
	const last = channels.slice(-MAX_CHANNELS);
	return last.includes(current) ? last : [current, ...last.slice(1)];
}

/** Marks the session's messages up to `sequence` as lost. */
export function withLossUpTo(history: ChannelHistory, sequence: number): ChannelHistory {
	return sequence > history.lost ? { ...history, lost: sequence } : history;
}

/** Returns the channel that a message belongs to, or `undefined` if that is no longer known. */
export function channelAt(history: ChannelHistory, sequence: number): number | undefined {
	return history.changes.findLast(([from]) => from <= sequence)?.[1];
}

/** Whether a message from `first` to `last` may belong to the channel. */
export function mayHaveBeenCurrent(
	{ changes }: ChannelHistory,
	channel: number,
	first: number,
	last: number,
): boolean {
	if (first > last) return false;
	if (first < (changes[0]?.[0] ?? Infinity)) return true;
	return changes.some(([from, current], index) => {
		const until = changes[index + 1]?.[0] ?? Infinity;
		return current === channel && from <= last && until > first;
	});
}
