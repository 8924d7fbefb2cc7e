import { channelAt, mayHaveBeenCurrent, withNewChannel } from './channel-history.ts';
import type { ChannelHistory } from './channel-history.ts';
import { gapFrame, parseEventId, primingFrame, withEventId } from './event-id.ts';
import type { EventPosition } from './event-id.ts';

/** The bounds of a log. The oldest entries are removed if it exceeds a bound by a margin, or by age. */
export interface LogBounds {
	readonly messages: number;
	/** In UTF-8. */
	readonly bytes: number;
	readonly ageMs: number;
}

/** The default bounds: 10,000 messages, 4 MiB, ten minutes. */
export const DEFAULT_LOG_BOUNDS: LogBounds = {
	messages: 10_000,
	bytes: 4 * 1024 * 1024,
	ageMs: 10 * 60 * 1_000,
};

/** A stored message. */
export interface LoggedMessage {
	/** Increases by one with each message of the log. */
	readonly sequence: number;
	/** An SSE frame without an id; `undefined` if it was too large to be stored. */
	readonly frame: string | undefined;
}

/** Stores the messages to the sessions of a shard, once per message whatever its number of receivers. */
export interface MessageLog {
	/** The shard of the log, for event ids. */
	readonly shard: string;
	/** Random: distinguishes this log from earlier logs of the shard. */
	readonly epoch: string;
	/** Returns the sequence of the newest message, 0 before the first one. */
	newest(): number;
	/** Returns the sequence up to which all messages are removed, 0 if none is. */
	pruned(): number;
	/** Returns the highest sequence of a removed message whose receivers were too many to be recorded. */
	lostToMany(): number;
	/** Returns the messages to a session after a sequence, in order. May scan the whole log. */
	since(session: string, sequence: number): Iterable<LoggedMessage>;
	historyOf(session: string): ChannelHistory | undefined;
	/** @param client whose session it is; keeps the one that is stored by default. */
	saveHistory(session: string, history: ChannelHistory, client?: string): void;
}

/** A stream after it was opened or resumed. */
export interface OpenedStream {
	/** Its channel; the newest stream of a session has the highest one. */
	readonly channel: number;
	/** Whether new messages belong to it. */
	readonly isCurrent: boolean;
	/** The first frames of the stream. */
	readonly frames: readonly string[];
}

/**
 * Opens a stream of a session, or resumes the one that the event id names. The returned frames are
 * complete at the time of the return: send them, and what is published later, in the same turn.
 *
 * @param lastEventId the `Last-Event-ID` of the request, if it has one.
 * @param client whose session it is, which a log shares among clients.
 */
export function openOrResumeStream(
	log: MessageLog,
	session: string,
	lastEventId: string | undefined,
	nowMs: number,
	client?: string,
): OpenedStream {
	const history = log.historyOf(session);
	const found = lastEventId ? findResumePoint(log, history, lastEventId) : undefined;
	if (typeof found === 'object') return resumeStream(log, session, found);
	const channel = newChannel(history, nowMs);
	log.saveHistory(session, withNewChannel(history, channel, log.newest() + 1), client);
	return { channel, isCurrent: true, frames: [firstFrame(log, channel, found)] };
}

/**
 * Returns the first frame of a new stream.
 *
 * @param gap why the client may have lost events, if it wanted to resume a stream.
 */
export function firstFrame(
	log: Pick<MessageLog, 'epoch' | 'newest' | 'shard'>,
	channel: number,
	gap?: string,
): string {
	const position = { stream: streamName(log, channel), sequence: log.newest() };
	return gap === undefined ? primingFrame(position) : gapFrame(position, gap);
}

/** Returns the frame of a stored message for a channel, with its id. */
export function loggedFrame(
	log: Pick<MessageLog, 'epoch' | 'shard'>,
	channel: number,
	sequence: number,
	frame: string,
): string {
	return withEventId({ stream: streamName(log, channel), sequence }, frame);
}

/** The position from which a stream of a session continues. */
export interface ResumePoint {
	readonly history: ChannelHistory;
	readonly channel: number;
	readonly position: EventPosition;
}

/** Returns the position that an event id names, or the text of the gap if there is none. */
export function findResumePoint(
	log: Pick<MessageLog, 'epoch' | 'newest' | 'shard'>,
	history: ChannelHistory | undefined,
	lastEventId: string,
): ResumePoint | string {
	const position = parseEventId(lastEventId);
	const [shard, epoch, name = ''] = position?.stream.split('/') ?? [];
	if (!position || epoch === undefined) return gapText('the last event id names no stream');
	if (shard !== log.shard) return gapText('the last event id belongs to another shard');
	if (epoch !== log.epoch) return gapText('the last event id belongs to a log that was deleted');
	const channel = Number.parseInt(name, 36);
	const isKnown = history?.channels.includes(channel) === true && channelName(channel) === name;
	if (!history || !isKnown || position.sequence > log.newest()) {
		return gapText('the last event id names no known stream of this session');
	}
	return { history, channel, position };
}

/** Resumes a stream. Returns what its client has missed. */
export function resumeStream(
	log: MessageLog,
	session: string,
	{ history, channel, position }: ResumePoint,
): OpenedStream {
	const { stream, sequence } = position;
	const frames: string[] = [];
	const lost = Math.max(history.lost, log.lostToMany());
	let seen = sequence;
	if (mayHaveBeenCurrent(history, channel, sequence + 1, lost)) {
		seen = Math.max(lost, log.pruned());
		const text = gapText('the log no longer goes back to the last event id', seen - sequence);
		frames.push(gapFrame({ stream, sequence: seen }, text));
	}
	// A client may name any sequence: read no message from before the stream was first the current one.
	const [begin] = history.changes.find(([, current]) => current === channel) ?? [];
	const from = begin === undefined ? log.newest() : Math.max(seen, begin - 1);
	for (const { sequence: at, frame } of log.since(session, from)) {
		if (channelAt(history, at) !== channel) continue;
		const missed = { stream, sequence: at };
		if (frame !== undefined) frames.push(withEventId(missed, frame));
		else frames.push(gapFrame(missed, gapText('a message was too large to be stored', 1)));
	}
	return { channel, isCurrent: history.changes.at(-1)?.[1] === channel, frames };
}

/** Returns the text of a gap. */
export function gapText(reason: string, lost?: number): string {
	if (lost === undefined) return `${reason}: events may have been lost`;
	return `${reason}: up to ${lost} ${lost === 1 ? 'message was' : 'messages were'} lost`;
}

/**
 * Returns a channel that is higher than the earlier channels of the session and, except for unlikely
 * collisions, not used by another session: an event id of another session's stream is detected.
 */
function newChannel(history: ChannelHistory | undefined, nowMs: number): number {
	const last = history?.channels.at(-1) ?? 0;
	return Math.max(last + 1, nowMs * 4096 + Math.floor(Math.random() * 4096));
}

function streamName(
	{ shard, epoch }: Pick<MessageLog, 'epoch' | 'shard'>,
	channel: number,
): string {
	return `${shard}/${epoch}/${channelName(channel)}`;
}

function channelName(channel: number): string {
	return channel.toString(36);
}
