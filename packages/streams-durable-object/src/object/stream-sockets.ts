import { MAX_STREAMS_PER_SESSION } from '@tmcp-sessions/core/internal';

import { closeQuietly, hasSession, openSockets, trySend } from './hibernating-sockets.ts';
import type { AttachedSocket } from './hibernating-sockets.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { MAX_FRAME_LENGTH } from '../wire/limits.ts';
import type { StreamPurpose } from '../wire/socket-purpose.ts';
import { formatGroup, formatNumbered, MAX_GROUP_HEADER_LENGTH } from '../wire/stream-messages.ts';
import type { GroupMessage, StreamPlace } from '../wire/stream-messages.ts';

/** The state of a stream, attached to its socket. Keep it small: the platform allows 16 KiB. */
export interface StreamAttachment {
	readonly session: string;
	/** Increases with each stream of the session: the highest channel is the newest stream. */
	readonly channel: number;
	/** Of several sockets that resumed a channel, the one of the highest rank is the client's. */
	readonly rank: number;
	/** Whether the log assigns new messages of the session to this channel. */
	readonly isCurrent: boolean;
	/** Whether a socket of a higher rank has resumed the channel: this one receives nothing more. */
	readonly isSuperseded: boolean;
	/** Where its Worker has the stream, if its messages are numbered. */
	readonly place?: StreamPlace | undefined;
	/** How many messages were sent to it, on any socket. */
	readonly sent: number;
	/** Whether its socket has received messages for other streams of its group. */
	readonly hasSentToGroup?: boolean;
}

/** A message of the log, as streams receive it. */
export interface LoggedFrame {
	readonly position: Pick<GroupMessage, 'epoch' | 'sequence' | 'shard'>;
	/** Without an event id. */
	readonly frame: string;
	/** Returns the frame with its event id for a stream. */
	withId(channel: number): string;
}

/** A stream, with its own socket or with one that it shares. */
export interface StreamSocket {
	readonly attachment: StreamAttachment;
	/** Whether the stream can receive messages. */
	readonly isOpen: boolean;
	/** Streams of the same group can receive one message for all. `undefined` if it is in none. */
	readonly group: unknown;
	/** Returns whether it is the same stream as another one. */
	is(other: StreamSocket): boolean;
	/** Attaches a new state. */
	save(attachment: StreamAttachment): void;
	/** Sends a message, after which the stream is current. @returns false if the socket is dead. */
	send(message: LoggedFrame): boolean;
	/**
	 * Sends one message for several current streams of its group, on the socket of one of them.
	 *
	 * @returns false if that socket is dead: the message was sent to none of them.
	 */
	sendToAll(streams: readonly StreamSocket[], message: LoggedFrame): boolean;
	/** Sends the number of its messages, so that its Worker finds out whether one is missing. */
	sendCount(): void;
	/** Ends the stream with a code of `FINAL_CLOSE_CODES`. */
	close(code: number): void;
}

/** A stream with its own socket. */
class OwnSocket implements StreamSocket {
	readonly socket: WebSocket;
	attachment: StreamAttachment;

	constructor({ socket, attachment }: AttachedSocket<StreamAttachment>) {
		this.socket = socket;
		this.attachment = attachment;
	}

	get isOpen(): boolean {
		return this.socket.readyState === WebSocket.OPEN;
	}

	get group(): string | undefined {
		return this.attachment.place?.group;
	}

	is(other: StreamSocket): boolean {
		return other instanceof OwnSocket && other.socket === this.socket;
	}

	save(attachment: StreamAttachment): void {
		this.attachment = attachment;
		this.socket.serializeAttachment(attachment);
	}

	send(message: LoggedFrame): boolean {
		const { attachment } = this;
		const { place, sent, channel } = attachment;
		const frame = message.withId(channel);
		if (!trySend(this.socket, place ? formatNumbered(sent, frame) : frame)) return false;
		if (place) this.save({ ...attachment, isCurrent: true, sent: sent + 1 });
		return true;
	}

	sendToAll(streams: readonly StreamSocket[], message: LoggedFrame): boolean {
		const all = streams.filter((each) => each instanceof OwnSocket);
		const turn = Math.floor(message.position.sequence / MESSAGES_PER_TURN) % all.length;
		const chosen = all[turn];
		const to = all.map(
			({ attachment: { place, sent, channel } }) => [place?.member ?? -1, sent, channel] as const,
		);
		const text = formatGroup({ ...message.position, to, frame: message.frame });
		if (!chosen || !trySend(chosen.socket, text)) return false;
		for (const each of all) {
			const { attachment } = each;
			const hasSentToGroup = attachment.hasSentToGroup || each === chosen;
			each.save({ ...attachment, isCurrent: true, sent: attachment.sent + 1, hasSentToGroup });
		}
		return true;
	}

	sendCount(): void {
		const { place, sent } = this.attachment;
		if (place) trySend(this.socket, formatNumbered(sent, ''));
	}

	close(code: number): void {
		closeQuietly(this.socket, code);
	}
}

/**
 * After how many messages of the log another socket of a group receives them: each message takes CPU
 * time of the request that distributes it.
 */
const MESSAGES_PER_TURN = 1_024;

/** The tag of every stream of a session, except those that resume a call. */
export const STREAM_TAG = 'stream';

/** Differs from the tags of a session's inboxes and calls, so that it selects only streams. */
export function sessionTag(session: string): string {
	return `session:${session}`;
}

/** The tag of the streams of a group. */
export function groupTag(group: string): string {
	return `group:${group}`;
}

/** The kind of an inbox's socket. */
export const INBOX = 'inbox';

/** The tag of a session's inboxes. */
export function inboxTag(session: string): string {
	return `${INBOX}:${session}`;
}

/** Attaches the resumable stream of its call to an inbox. */
export function attachCall(socket: WebSocket, call: string): void {
	socket.serializeAttachment({ runs: call });
}

/** Returns the resumable stream of the call that an inbox belongs to. */
export function callOfInbox(socket: WebSocket): unknown {
	const attachment: unknown = socket.deserializeAttachment();
	return typeof attachment === 'object' && attachment !== null && 'runs' in attachment
		? attachment.runs
		: undefined;
}

/** Returns the session of a stream, also of one that resumed a call. A closed socket has no tags. */
export function sessionOf(socket: WebSocket): string | undefined {
	const attachment: unknown = socket.deserializeAttachment();
	return hasSession(attachment) ? attachment.session : undefined;
}

/** Returns the sockets that are open streams. */
export function openStreams(sockets: readonly WebSocket[]): StreamSocket[] {
	return openSockets(sockets, isStreamAttachment).map((open) => new OwnSocket(open));
}

/** Returns a stream that has a new socket. */
export function attachStream(socket: WebSocket, attachment: StreamAttachment): StreamSocket {
	const stream = new OwnSocket({ socket, attachment });
	stream.save(attachment);
	return stream;
}

/**
 * Returns the state of a new stream. A stream without a rank gets the highest of its channel; other
 * streams of the channel and of the session are updated accordingly.
 *
 * @param opened with the number of messages that it replays.
 */
export function rankStream(
	{ session, rank, place }: StreamPurpose,
	opened: Pick<StreamAttachment, 'channel' | 'isCurrent' | 'sent'>,
	others: readonly StreamSocket[],
	nowMs: number,
): StreamAttachment {
	const { channel, isCurrent, sent } = opened;
	const sameChannel = others.filter(({ attachment }) => attachment.channel === channel);
	const top = Math.max(0, ...sameChannel.map(({ attachment }) => attachment.rank));
	// Use the clock so that a reconnecting stream cannot outrank newer ones.
	const own = rank ?? Math.max(nowMs, top + 1);
	for (const other of others) {
		const { attachment } = other;
		const isSame = attachment.channel === channel;
		if (isSame && attachment.rank === own) {
			other.close(FINAL_CLOSE_CODES.replaced);
		} else if (isSame && attachment.rank < own) {
			other.save({ ...attachment, isSuperseded: true });
		} else if (isCurrent && !isSame && attachment.isCurrent) {
			other.save({ ...attachment, isCurrent: false });
		}
	}
	return { session, channel, rank: own, isCurrent, isSuperseded: own < top, place, sent };
}

/** Closes the oldest streams of a session while it has too many, but never the newly opened one. */
export function closeOldest(streams: readonly StreamSocket[], opened: StreamSocket): void {
	const oldestFirst = streams
		.filter((each) => !each.is(opened))
		.toSorted(({ attachment: one }, { attachment: other }) => {
			if (one.isSuperseded !== other.isSuperseded) return one.isSuperseded ? -1 : 1;
			return one.channel - other.channel || one.rank - other.rank;
		});
	const excess = Math.max(0, streams.length - MAX_STREAMS_PER_SESSION);
	for (const stream of oldestFirst.slice(0, excess)) stream.close(FINAL_CLOSE_CODES.tooManyStreams);
}

/** Groups streams by their session. */
export function bySession(streams: readonly StreamSocket[]): Map<string, StreamSocket[]> {
	return Map.groupBy(streams, ({ attachment }) => attachment.session);
}

/** Returns the streams of a session that can still receive its messages, newest first. */
export function newestFirst(streams: readonly StreamSocket[]): StreamSocket[] {
	return streams
		.filter(({ isOpen, attachment }) => !attachment.isSuperseded && isOpen)
		.toSorted((one, other) => other.attachment.channel - one.attachment.channel);
}

/** Attaches to the streams of a session which of them is the current one. */
export function markCurrent(current: StreamSocket, all: readonly StreamSocket[]): void {
	for (const stream of all) {
		const isCurrent = stream.is(current);
		if (stream.attachment.isCurrent !== isCurrent) stream.save({ ...stream.attachment, isCurrent });
	}
}

/** Groups streams that can receive a frame in one message, two or more in each group. */
export function groupsOf(
	streams: readonly StreamSocket[],
	frame: string,
): Iterable<readonly [group: unknown, streams: StreamSocket[]]> {
	const isTooLong = frame.length + MAX_GROUP_HEADER_LENGTH > MAX_FRAME_LENGTH;
	return Map.groupBy(streams, ({ group }) => (isTooLong ? undefined : group));
}

/** Returns the group whose messages a socket has received, which may not have arrived when it closes. */
export function groupServedBy(socket: WebSocket): string | undefined {
	const attachment: unknown = socket.deserializeAttachment();
	if (!isStreamAttachment(attachment) || !attachment.hasSentToGroup) return undefined;
	return attachment.place?.group;
}

function isStreamAttachment(attachment: unknown): attachment is StreamAttachment {
	return hasSession(attachment) && 'channel' in attachment;
}
