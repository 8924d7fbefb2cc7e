import { DurableObject } from 'cloudflare:workers';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { kindOf, purposeOf } from './socket-address.ts';
import type { SocketPurpose } from './socket-address.ts';

/** Kept with a stream's socket through hibernation. Small: the platform allows 16 KiB. */
interface StreamAttachment {
	readonly session: string;
	/** Counts up with each stream of the session: the highest is the newest. */
	readonly order: number;
}

/** Told to a Worker by closing its socket: the session was ended, so end the client's stream. */
const SESSION_ENDED = 4000;

const STREAM_TAG = 'stream';

/**
 * The Durable Object that a deployment's streams meet in. Each open stream of a client, each
 * listener and each inbox holds one socket to it; between messages it leaves memory and the sockets
 * stay.
 *
 * It keeps nothing in memory: what it knows is in the sockets' tags and attachments, so that a new
 * instance after a wake-up goes on where the old one was.
 */
export class SyncLayer extends DurableObject {
	/** Takes a Worker's socket. 426 to what is no WebSocket upgrade, 400 to one without a purpose. */
	override fetch(request: Request): Response {
		if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
			return new Response('Expected a WebSocket upgrade', {
				status: 426,
				headers: { Upgrade: 'websocket' },
			});
		}
		const purpose = purposeOf(request.url);
		if (!purpose) return new Response('Expected a session or a listener', { status: 400 });

		const { 0: client, 1: server } = new WebSocketPair();
		this.ctx.acceptWebSocket(server, tagsOf(purpose));
		if (purpose.role === 'stream') {
			const newest = this.#streamsOf(purpose.session).at(0);
			const order = (newest && attachmentOf(newest)?.order) ?? 0;
			attach(server, { session: purpose.session, order: order + 1 });
		}
		return new Response(null, { status: 101, webSocket: client });
	}

	/** Whether the session has an open stream. */
	has(session: string): boolean {
		return this.#streamsOf(session).length > 0;
	}

	/** Ends all streams of the session. */
	delete(session: string): void {
		for (const socket of this.#streamsOf(session)) socket.close(SESSION_ENDED, 'session ended');
	}

	/**
	 * Sends an SSE frame once to each of the sessions, on the newest stream that takes it.
	 *
	 * @param sessions the ids to send to; `undefined` is every session with an open stream.
	 */
	broadcast(sessions: readonly string[] | undefined, frame: string): void {
		if (sessions) {
			for (const session of new Set(sessions)) sendToNewest(this.#streamsOf(session), frame);
			return;
		}
		for (const sockets of this.#streamsOfAll()) sendToNewest(sockets, frame);
	}

	/** Tells the listeners that asked for this kind of change. Their Workers apply the finer filters. */
	sendSubscription(notification: JSONRPCRequest): void {
		const kind = kindOf(notification.method);
		if (!kind) return;
		const message = JSON.stringify(notification);
		for (const socket of this.ctx.getWebSockets(listenerTag(kind))) trySend(socket, message);
	}

	/**
	 * Sends a message to every open inbox of the session.
	 *
	 * @param session the id, URI encoded.
	 * @returns how many took it.
	 */
	deliver(session: string, message: string): number {
		const inboxes = this.ctx.getWebSockets(inboxTag(session));
		return inboxes.filter((socket) => trySend(socket, message)).length;
	}

	/** Completes the closing handshake, which the platform leaves to us before its date 2026-04-07. */
	override webSocketClose(socket: WebSocket): void {
		closeQuietly(socket);
	}

	override webSocketError(socket: WebSocket): void {
		closeQuietly(socket);
	}

	/** The session's open sockets, newest first. */
	#streamsOf(session: string): WebSocket[] {
		return newestFirst(this.ctx.getWebSockets(sessionTag(session)));
	}

	#streamsOfAll(): Iterable<WebSocket[]> {
		const bySession = new Map<string, WebSocket[]>();
		for (const socket of this.ctx.getWebSockets(STREAM_TAG)) {
			const session = attachmentOf(socket)?.session;
			if (session === undefined) continue;
			const sockets = bySession.get(session);
			if (sockets) sockets.push(socket);
			else bySession.set(session, [socket]);
		}
		return [...bySession.values()].map(newestFirst);
	}
}

function sessionTag(session: string): string {
	return `session:${session}`;
}

/** Not the tag of a session: what looks for its streams must not find its inboxes. */
function inboxTag(session: string): string {
	return `inbox:${session}`;
}

function listenerTag(kind: string): string {
	return `listener:${kind}`;
}

function tagsOf(purpose: SocketPurpose): string[] {
	if (purpose.role === 'listener') return purpose.kinds.map(listenerTag);
	if (purpose.role === 'inbox') return [inboxTag(purpose.session)];
	return [STREAM_TAG, sessionTag(purpose.session)];
}

/** Without the sockets that are closing, and without those that this class did not accept. */
function newestFirst(sockets: WebSocket[]): WebSocket[] {
	return sockets
		.map((socket) => ({ socket, order: attachmentOf(socket)?.order }))
		.filter(
			(entry): entry is { socket: WebSocket; order: number } =>
				entry.order !== undefined && entry.socket.readyState === WebSocket.OPEN,
		)
		.toSorted((one, other) => other.order - one.order)
		.map(({ socket }) => socket);
}

function attach(socket: WebSocket, attachment: StreamAttachment): void {
	socket.serializeAttachment(attachment);
}

function attachmentOf(socket: WebSocket): StreamAttachment | undefined {
	const attachment: unknown = socket.deserializeAttachment();
	return isStreamAttachment(attachment) ? attachment : undefined;
}

function isStreamAttachment(attachment: unknown): attachment is StreamAttachment {
	return (
		typeof attachment === 'object' &&
		attachment !== null &&
		'session' in attachment &&
		typeof attachment.session === 'string' &&
		'order' in attachment &&
		typeof attachment.order === 'number'
	);
}

function sendToNewest(newestFirst: readonly WebSocket[], frame: string): void {
	newestFirst.some((socket) => trySend(socket, frame));
}

/** A socket can be dead before anybody was told: that must not stop a publish. */
function trySend(socket: WebSocket, message: string): boolean {
	try {
		socket.send(message);
		return true;
	} catch {
		closeQuietly(socket);
		return false;
	}
}

function closeQuietly(socket: WebSocket): void {
	try {
		socket.close(1000);
	} catch {
		// It is closed already.
	}
}
