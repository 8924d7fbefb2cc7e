import { channelAt, mayHaveBeenCurrent, withNewChannel } from './channel-history.ts';
import type { ChannelHistory } from './channel-history.ts';
import { gapFrame, parseEventId, primingFrame, withEventId } from './event-id.ts';
import type { EventPosition } from './event-id.ts';

/** What a log keeps at most. What is older goes when a bound is passed by a margin, or by its age. */
export interface LogBounds {
	readonly messages: number;
	/** UTF-8. */
	readonly bytes: number;
	readonly ageMs: number;
}

/** The bounds where nothing else is said: 10,000 messages, 4 MiB, ten minutes. */
export const DEFAULT_LOG_BOUNDS: LogBounds = {
	messages: 10_000,
	bytes: 4 * 1024 * 1024,
	ageMs: 10 * 60 * 1_000,
};

/** How long a client should wait before it comes back. */
export const RETRY_MS = 1_000;

/** A message as a log kept it. */
export interface LoggedMessage {
	/** Counts up by one with each message of the log. */
	readonly sequence: number;
	/** An SSE frame without an id; none where it was too large to be kept. */
	readonly frame: string | undefined;
}

/** What was sent to the sessions of a shard, one entry for a message whatever its receivers. */
export interface MessageLog {
	/** Where the log is, for its ids. */
	readonly shard: string;
	/** Random: tells this log from one that was there before it. */
	readonly epoch: string;
	/** The sequence of the newest message, 0 before the first one. */
	newest(): number;
	/** Every message up to this sequence is gone, 0 before any is. */
	pruned(): number;
	/** The highest sequence of a message that is gone and was for more sessions than are noted. */
	lostToMany(): number;
	/** What was sent to the session after a message, in order: the whole log may be looked at. */
	since(session: string, sequence: number): Iterable<LoggedMessage>;
	historyOf(session: string): ChannelHistory | undefined;
	saveHistory(session: string, history: ChannelHistory): void;
}

/** A stream that was opened or resumed. */
export interface OpenedStream {
	/** Its channel: the highest of a session is its newest stream. */
	readonly channel: number;
	/** Whether messages belong to it from now on. */
	readonly isCurrent: boolean;
	/** What it begins with. */
	readonly frames: readonly string[];
}

/**
 * Opens a stream of a session, or resumes the one that the id is of. What comes back is up to date
 * when this returns: send it and what is published from then on, in the same turn.
 *
 * @param lastEventId what the client saw last, where it saw anything.
 */
export function openOrResumeStream(
	log: MessageLog,
	session: string,
	lastEventId: string | undefined,
	nowMs: number,
): OpenedStream {
	const history = log.historyOf(session);
	const found = lastEventId ? find(log, history, lastEventId) : undefined;
	if (typeof found === 'object') return resumed(log, session, found);
	const next = log.newest() + 1;
	const channel = newChannel(history, nowMs);
	log.saveHistory(session, withNewChannel(history, channel, next));
	const position = { stream: streamOf(log, channel), sequence: next - 1 };
	const first = found ? gapFrame(position, RETRY_MS, found) : primingFrame(position, RETRY_MS);
	return { channel, isCurrent: true, frames: [first] };
}

/** A message of the log as it travels on a channel. */
export function loggedFrame(
	log: MessageLog,
	channel: number,
	sequence: number,
	frame: string,
): string {
	return withEventId({ stream: streamOf(log, channel), sequence }, frame);
}

interface Found {
	readonly history: ChannelHistory;
	readonly channel: number;
	readonly position: EventPosition;
}

/** The place that an id is of, or why there is none. */
function find(
	log: MessageLog,
	history: ChannelHistory | undefined,
	lastEventId: string,
): Found | string {
	const position = parseEventId(lastEventId);
	const [shard, epoch, name = ''] = position?.stream.split('/') ?? [];
	if (!position || epoch === undefined) return gapText('the last event id is of no stream');
	if (shard !== log.shard) return gapText('the last event id is of another shard than the session');
	if (epoch !== log.epoch) return gapText('the last event id is of a log that is no more');
	const channel = Number.parseInt(name, 36);
	const isKnown = history?.channels.includes(channel) === true && nameOf(channel) === name;
	if (!history || !isKnown || position.sequence > log.newest()) {
		return gapText('the last event id is of no stream that is known of this session');
	}
	return { history, channel, position };
}

function resumed(
	log: MessageLog,
	session: string,
	{ history, channel, position }: Found,
): OpenedStream {
	const { stream, sequence } = position;
	const frames: string[] = [];
	const lost = Math.max(history.lost, log.lostToMany());
	let seen = sequence;
	if (mayHaveBeenCurrent(history, channel, sequence + 1, lost)) {
		seen = Math.max(lost, log.pruned());
		const text = gapText('the log no longer goes back to the last event id', seen - sequence);
		frames.push(gapFrame({ stream, sequence: seen }, RETRY_MS, text));
	}
	for (const { sequence: at, frame } of log.since(session, seen)) {
		if (channelAt(history, at) !== channel) continue;
		const missed = { stream, sequence: at };
		if (frame !== undefined) frames.push(withEventId(missed, frame));
		else frames.push(gapFrame(missed, RETRY_MS, gapText('a message was too large to be kept', 1)));
	}
	return { channel, isCurrent: history.steps.at(-1)?.[1] === channel, frames };
}

/** What a gap's announcement says. */
export function gapText(reason: string, lost?: number): string {
	if (lost === undefined) return `${reason}: what was missed, if anything, is not known`;
	return `${reason}: up to ${lost} ${lost === 1 ? 'message was' : 'messages were'} lost`;
}

/**
 * Higher than the session's channels before it, and hardly ever that of another session: an id of
 * somebody else's stream is known as one.
 */
function newChannel(history: ChannelHistory | undefined, nowMs: number): number {
	const last = history?.channels.at(-1) ?? 0;
	return Math.max(last + 1, nowMs * 4096 + Math.floor(Math.random() * 4096));
}

function streamOf({ shard, epoch }: MessageLog, channel: number): string {
	return `${shard}/${epoch}/${nameOf(channel)}`;
}

function nameOf(channel: number): string {
	return channel.toString(36);
}
