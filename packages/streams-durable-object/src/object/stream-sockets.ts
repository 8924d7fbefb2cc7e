import { MAX_STREAMS_PER_SESSION } from '@tmcp-sessions/core/internal';

import type { StreamPurpose } from '../wire/socket-purpose.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';

/** Kept with a stream's socket through hibernation. Small: the platform allows 16 KiB. */
export interface StreamAttachment {
	readonly session: string;
	/** Counts up with each stream of the session: the highest is the newest. */
	readonly channel: number;
	/** The highest of those that resumed the channel is its client's. */
	readonly rank: number;
	/** Whether the log says that messages belong to this channel. */
	readonly isCurrent: boolean;
	/** Another one resumed the channel: this one gets nothing more. */
	readonly isSuperseded: boolean;
}

/** A stream's socket, and what it is for. */
export interface StreamSocket {
	readonly socket: WebSocket;
	readonly attachment: StreamAttachment;
}

/** On every stream of a session that a client opened to listen. */
export const STREAM_TAG = 'stream';

/** Not the tag of a session's inboxes or of its calls: what looks for its streams must not find them. */
export function sessionTag(session: string): string {
	return `session:${session}`;
}

/** On every inbox of a session. */
export function inboxTag(session: string): string {
	return `inbox:${session}`;
}

/**
 * Returns whether the socket is a stream. Reads the attachment, since a closed socket has no tags.
 */
export function isStream(socket: WebSocket): boolean {
	return isStreamAttachment(socket.deserializeAttachment());
}

/** Returns the session of a stream's socket, also of a stream that resumed a call. */
export function sessionOf(socket: WebSocket): string | undefined {
	const attachment: unknown = socket.deserializeAttachment();
	if (typeof attachment !== 'object' || attachment === null) return undefined;
	if (!('session' in attachment)) return undefined;
	return typeof attachment.session === 'string' ? attachment.session : undefined;
}

/** The open ones that this class accepted. */
export function openStreams(sockets: readonly WebSocket[]): StreamSocket[] {
	return sockets.flatMap((socket) => {
		const attachment: unknown = socket.deserializeAttachment();
		const isOpen = socket.readyState === WebSocket.OPEN;
		return isOpen && isStreamAttachment(attachment) ? [{ socket, attachment }] : [];
	});
}

/**
 * Gives a new socket its place among the session's others: the highest rank of its channel, where it
 * does not bring one.
 */
export function rankSocket(
	socket: WebSocket,
	{ session, rank }: StreamPurpose,
	{ channel, isCurrent }: { readonly channel: number; readonly isCurrent: boolean },
	others: readonly StreamSocket[],
	nowMs: number,
): StreamAttachment {
	const sameChannel = others.filter(({ attachment }) => attachment.channel === channel);
	const top = Math.max(0, ...sameChannel.map(({ attachment }) => attachment.rank));
	// The time, so that one which comes back has none that is higher than those which came meanwhile.
	const own = rank ?? Math.max(nowMs, top + 1);
	const attachment = { session, channel, rank: own, isCurrent, isSuperseded: own < top };
	attach(socket, attachment);
	for (const other of others) {
		const isSame = other.attachment.channel === channel;
		if (isSame && other.attachment.rank === own) {
			closeQuietly(other.socket, FINAL_CLOSE_CODES.replaced);
		} else if (isSame && other.attachment.rank < own) {
			attach(other.socket, { ...other.attachment, isSuperseded: true });
		} else if (isCurrent && !isSame && other.attachment.isCurrent) {
			attach(other.socket, { ...other.attachment, isCurrent: false });
		}
	}
	return attachment;
}

/** Ends the streams of a session that are over the bound, oldest first, but not the new one. */
export function closeOldest(streams: readonly StreamSocket[], opened: WebSocket): void {
	const oldestFirst = streams
		.filter(({ socket }) => socket !== opened)
		.toSorted(({ attachment: one }, { attachment: other }) => {
			if (one.isSuperseded !== other.isSuperseded) return one.isSuperseded ? -1 : 1;
			return one.channel - other.channel || one.rank - other.rank;
		});
	for (const { socket } of oldestFirst.slice(
		0,
		Math.max(0, streams.length - MAX_STREAMS_PER_SESSION),
	)) {
		closeQuietly(socket, FINAL_CLOSE_CODES.tooManyStreams);
	}
}

/** The streams of each session. */
export function bySession(streams: readonly StreamSocket[]): Iterable<StreamSocket[]> {
	return Map.groupBy(streams, ({ attachment }) => attachment.session).values();
}

/** Whom a message of the session goes to, newest first. */
export function newestFirst(streams: readonly StreamSocket[]): StreamSocket[] {
	return streams
		.filter(({ attachment }) => !attachment.isSuperseded)
		.toSorted((one, other) => other.attachment.channel - one.attachment.channel);
}

/** Notes that messages belong to this stream from now on, and to no other one of its session. */
export function markCurrent(current: StreamSocket, all: readonly StreamSocket[]): void {
	for (const { socket, attachment } of all) {
		const isCurrent = socket === current.socket;
		if (attachment.isCurrent !== isCurrent) attach(socket, { ...attachment, isCurrent });
	}
}

/** A socket can be dead before anybody was told: that must not stop a publish. */
export function trySend(socket: WebSocket, message: string): boolean {
	try {
		socket.send(message);
		return true;
	} catch {
		closeQuietly(socket);
		return false;
	}
}

export function closeQuietly(socket: WebSocket, code = 1000): void {
	try {
		socket.close(code);
	} catch {
		// It is closed already.
	}
}

function attach(socket: WebSocket, attachment: StreamAttachment): void {
	socket.serializeAttachment(attachment);
}

function isStreamAttachment(attachment: unknown): attachment is StreamAttachment {
	return (
		typeof attachment === 'object' &&
		attachment !== null &&
		'session' in attachment &&
		typeof attachment.session === 'string' &&
		'channel' in attachment &&
		typeof attachment.channel === 'number'
	);
}
