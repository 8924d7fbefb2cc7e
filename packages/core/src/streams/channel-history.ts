/** From this sequence on, the messages of a session belonged to this channel. */
type ChannelChange = readonly [from: number, channel: number];

/**
 * Which of a session's streams its messages belonged to. A session has one channel for each stream
 * that was opened, not resumed; its messages belong to one at a time, the current one. Plain data:
 * it is kept as JSON.
 */
export interface ChannelHistory {
	/** The channels that were opened, in that order, which is that of their numbers. */
	readonly channels: readonly number[];
	/** When the current channel changed, in order. */
	readonly steps: readonly ChannelChange[];
	/** The highest sequence of what was sent to this session and is no longer kept. 0: none. */
	readonly lost: number;
}

/** What is older is forgotten, and counts as lost: a client comes back for its last streams. */
const MAX_CHANNELS = 32;
const MAX_STEPS = 128;

/** A new channel, which is the current one from the next message on. */
export function withNewChannel(
	history: ChannelHistory | undefined,
	channel: number,
	next: number,
): ChannelHistory {
	const { channels, steps, lost } = history ?? { channels: [], steps: [], lost: 0 };
	return withCurrentChannel({ channels: [...channels, channel], steps, lost }, channel, next);
}

/** The same history where this channel is the current one from a message on. */
export function withCurrentChannel(
	history: ChannelHistory,
	channel: number,
	from: number,
): ChannelHistory {
	if (history.steps.at(-1)?.[1] === channel) return history;
	const steps = history.steps.filter(([before]) => before < from);
	steps.push([from, channel]);
	const kept = steps.slice(-MAX_STEPS);
	const [first = from] = kept[0] ?? [];
	const forgotten = kept.length < steps.length ? first - 1 : 0;
	return {
		channels: recent(history.channels, channel),
		steps: kept,
		lost: Math.max(history.lost, forgotten),
	};
}

/** The channels that were opened last, and the current one: it may be older than all of them. */
function recent(channels: readonly number[], current: number): number[] {
	const last = channels.slice(-MAX_CHANNELS);
	return last.includes(current) ? last : [current, ...last.slice(1)];
}

/** The same history, where what was sent to the session until `sequence` is no longer kept. */
export function withLossUpTo(history: ChannelHistory, sequence: number): ChannelHistory {
	return sequence > history.lost ? { ...history, lost: sequence } : history;
}

/** The channel that a message belonged to; none where nobody knows any more. */
export function channelAt(history: ChannelHistory, sequence: number): number | undefined {
	return history.steps.findLast(([from]) => from <= sequence)?.[1];
}

/** Whether a message in this range may have belonged to the channel. */
export function mayHaveBeenCurrent(
	{ steps }: ChannelHistory,
	channel: number,
	first: number,
	last: number,
): boolean {
	if (first > last) return false;
	if (first < (steps[0]?.[0] ?? Infinity)) return true;
	return steps.some(([from, current], index) => {
		const until = steps[index + 1]?.[0] ?? Infinity;
		return current === channel && from <= last && until > first;
	});
}
