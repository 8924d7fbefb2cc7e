import { MAX_STREAMS_PER_SESSION } from '@tmcp-sessions/core/internal';

import { closeQuietly, hasSession, openSockets } from './hibernating-sockets.ts';
import type { AttachedSocket } from './hibernating-sockets.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import type { StreamPurpose } from '../wire/socket-purpose.ts';

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
}

export type StreamSocket = AttachedSocket<StreamAttachment>;

/** The tag of every stream of a session, except those that resume a call. */
export const STREAM_TAG = 'stream';

/** Differs from the tags of a session's inboxes and calls, so that it selects only streams. */
export function sessionTag(session: string): string {
	return `session:${session}`;
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
 * @returns the rank.
 */
export function rankSocket(
	socket: WebSocket,
	{ session, rank }: StreamPurpose,
	{ channel, isCurrent }: { readonly channel: number; readonly isCurrent: boolean },
	others: readonly StreamSocket[],
	nowMs: number,
): number {
	const sameChannel = others.filter(({ attachment }) => attachment.channel === channel);
	const top = Math.max(0, ...sameChannel.map(({ attachment }) => attachment.rank));
	// Use the clock so that a reconnecting stream cannot outrank newer ones.
	const own = rank ?? Math.max(nowMs, top + 1);
	attach(socket, { session, channel, rank: own, isCurrent, isSuperseded: own < top });
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

/** Returns the streams of a session that can receive its messages, newest first. */
export function newestFirst(streams: readonly StreamSocket[]): StreamSocket[] {
	return streams
		.filter(({ attachment }) => !attachment.isSuperseded)
		.toSorted((one, other) => other.attachment.channel - one.attachment.channel);
}

/** Attaches to the streams of a session which of them is the current one. */
export function markCurrent(current: StreamSocket, all: readonly StreamSocket[]): void {
	for (const { socket, attachment } of all) {
		const isCurrent = socket === current.socket;
		if (attachment.isCurrent !== isCurrent) attach(socket, { ...attachment, isCurrent });
	}
}

function attach(socket: WebSocket, attachment: StreamAttachment): void {
	socket.serializeAttachment(attachment);
}

function isStreamAttachment(attachment: unknown): attachment is StreamAttachment {
	return hasSession(attachment) && 'channel' in attachment;
}
