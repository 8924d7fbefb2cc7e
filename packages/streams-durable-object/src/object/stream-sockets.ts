import { MAX_STREAMS_PER_SESSION } from '@tmcp-sessions/core/internal';

import { closeQuietly, hasSession, openSockets, trySend } from './hibernating-sockets.ts';
import type { AttachedSocket } from './hibernating-sockets.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { MAX_FRAME_LENGTH } from '../wire/limits.ts';
import type { StreamPurpose } from '../wire/socket-purpose.ts';
import { formatGroup, formatNumbered, MAX_GROUP_HEADER_LENGTH } from '../wire/stream-messages.ts';
import type { GroupMessage, StreamPlace } from '../wire/stream-messages.ts';

/** The attachment of a stream. Keep it small: the platform allows 16 KiB. */
interface StreamAttachment {
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

export type StreamSocket = AttachedSocket<StreamAttachment>;

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
	return openSockets(sockets, isStreamAttachment);
}

/**
 * Attaches its channel and rank to a new socket. A socket without a rank gets the highest of its
 * channel; other sockets of the channel and of the session are updated accordingly.
 *
 * @param opened with the number of messages that it replays.
 * @returns the rank.
 */
export function rankSocket(
	socket: WebSocket,
	{ session, rank, place }: StreamPurpose,
	opened: Pick<StreamAttachment, 'channel' | 'isCurrent' | 'sent'>,
	others: readonly StreamSocket[],
	nowMs: number,
): number {
	const { channel, isCurrent, sent } = opened;
	const sameChannel = others.filter(({ attachment }) => attachment.channel === channel);
	const top = Math.max(0, ...sameChannel.map(({ attachment }) => attachment.rank));
	// Use the clock so that a reconnecting stream cannot outrank newer ones.
	const own = rank ?? Math.max(nowMs, top + 1);
	attach(socket, { session, channel, rank: own, isCurrent, isSuperseded: own < top, place, sent });
	for (const { socket: other, attachment } of others) {
		const isSame = attachment.channel === channel;
		if (isSame && attachment.rank === own) {
			closeQuietly(other, FINAL_CLOSE_CODES.replaced);
		} else if (isSame && attachment.rank < own) {
			attach(other, { ...attachment, isSuperseded: true });
		} else if (isCurrent && !isSame && attachment.isCurrent) {
			attach(other, { ...attachment, isCurrent: false });
		}
	}
	return own;
}

/** Closes the oldest streams of a session while it has too many, but never the newly opened one. */
export function closeOldest(streams: readonly StreamSocket[], opened: WebSocket): void {
	const oldestFirst = streams
		.filter(({ socket }) => socket !== opened)
		.toSorted(({ attachment: one }, { attachment: other }) => {
			if (one.isSuperseded !== other.isSuperseded) return one.isSuperseded ? -1 : 1;
			return one.channel - other.channel || one.rank - other.rank;
		});
	const excess = Math.max(0, streams.length - MAX_STREAMS_PER_SESSION);
	for (const { socket } of oldestFirst.slice(0, excess)) {
		closeQuietly(socket, FINAL_CLOSE_CODES.tooManyStreams);
	}
}

/** Groups streams by their session. */
export function bySession(streams: readonly StreamSocket[]): Iterable<StreamSocket[]> {
	return Map.groupBy(streams, ({ attachment }) => attachment.session).values();
}

/** Returns the streams of a session that can still receive its messages, newest first. */
export function newestFirst(streams: readonly StreamSocket[]): StreamSocket[] {
	return streams
		.filter(
			({ socket, attachment }) => !attachment.isSuperseded && socket.readyState === WebSocket.OPEN,
		)
		.toSorted((one, other) => other.attachment.channel - one.attachment.channel);
}

/** Attaches to the streams of a session which of them is the current one. */
export function markCurrent(current: StreamSocket, all: readonly StreamSocket[]): void {
	for (const { socket, attachment } of all) {
		const isCurrent = socket === current.socket;
		if (attachment.isCurrent !== isCurrent) attach(socket, { ...attachment, isCurrent });
	}
}

/** Sends a frame with its event id to a current stream. Returns false if the socket is dead. */
export function sendFrame({ socket, attachment }: StreamSocket, frame: string): boolean {
	const { place, sent } = attachment;
	if (!trySend(socket, place ? formatNumbered(sent, frame) : frame)) return false;
	if (place) attach(socket, { ...attachment, isCurrent: true, sent: sent + 1 });
	return true;
}

/**
 * Sends one message for several current streams of a group, on the socket of one of them.
 *
 * @returns false if that socket is dead: the message was sent to none of them.
 */
export function sendToGroup(
	streams: readonly StreamSocket[],
	message: Omit<GroupMessage, 'to'>,
): boolean {
	const turn = Math.floor(message.sequence / MESSAGES_PER_TURN) % streams.length;
	const chosen = streams[turn];
	const to = streams.map(
		({ attachment: { place, sent, channel } }) => [place?.member ?? -1, sent, channel] as const,
	);
	if (!chosen || !trySend(chosen.socket, formatGroup({ ...message, to }))) return false;
	for (const { socket, attachment } of streams) {
		const hasSentToGroup = attachment.hasSentToGroup || socket === chosen.socket;
		attach(socket, { ...attachment, isCurrent: true, sent: attachment.sent + 1, hasSentToGroup });
	}
	return true;
}

/** Groups streams that can receive a frame in one message, two or more in each group. */
export function groupsOf(
	streams: readonly StreamSocket[],
	frame: string,
): Iterable<readonly [group: string | undefined, streams: StreamSocket[]]> {
	const isTooLong = frame.length + MAX_GROUP_HEADER_LENGTH > MAX_FRAME_LENGTH;
	return Map.groupBy(streams, ({ attachment }) =>
		isTooLong ? undefined : attachment.place?.group,
	);
}

/** Sends a stream the number of its messages, so that its Worker finds out whether one is missing. */
export function sendCount({ socket, attachment }: StreamSocket): void {
	if (attachment.place) trySend(socket, formatNumbered(attachment.sent, ''));
}

/** Returns the group whose messages a socket has received, which may not have arrived when it closes. */
export function groupServedBy(socket: WebSocket): string | undefined {
	const attachment: unknown = socket.deserializeAttachment();
	if (!isStreamAttachment(attachment) || !attachment.hasSentToGroup) return undefined;
	return attachment.place?.group;
}

function attach(socket: WebSocket, attachment: StreamAttachment): void {
	socket.serializeAttachment(attachment);
}

function isStreamAttachment(attachment: unknown): attachment is StreamAttachment {
	return hasSession(attachment) && 'channel' in attachment;
}
