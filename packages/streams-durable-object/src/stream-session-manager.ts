import {
	closeStream,
	encodeSessionId,
	enqueueFrame,
	isOpen,
	keepAlive,
	reporterOf,
	StreamError,
} from '@tmcp-sessions/core';
import type { ErrorReporter, SessionInbox, SessionInboxes } from '@tmcp-sessions/core';
import { StreamSessionManager } from '@tmcp/session-manager';
import { waitUntil } from 'cloudflare:workers';

import { DEFAULT_BINDING, PACKAGE, syncLayer } from './binding.ts';
import type { SyncLayerBinding } from './binding.ts';
import { openSocket } from './open-socket.ts';
import { MAX_MESSAGE_LENGTH, SocketInbox } from './session-inbox.ts';
import { MAX_SESSION_BYTES } from './socket-address.ts';

/** Options of the managers that share a `SyncLayer`. */
export interface SyncLayerOptions {
	/** Told of messages and sockets to the object that were lost. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

interface LocalStream {
	readonly controller: ReadableStreamDefaultController;
	/** Not there yet while it is being opened. */
	socket?: WebSocket;
}

/**
 * The sessions' GET streams, wherever their isolates are: each holds one socket to the `SyncLayer`,
 * and a message goes through that object to the newest stream of each session. The inboxes of the
 * requests at work for a session are reached through it too, with a socket for each.
 */
export class DurableObjectStreamSessionManager
	extends StreamSessionManager
	implements SessionInboxes
{
	readonly #binding: SyncLayerBinding;
	readonly #report: (cause: unknown) => void;
	/** The streams that requests of this isolate hold. */
	readonly #local = new Map<string, Set<LocalStream>>();

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: SyncLayerOptions = {}) {
		super();
		this.#binding = binding;
		this.#report = reporterOf(options.onError);
	}

	/**
	 * Opens a stream of the session; its older ones stay open. Once this has resolved, everything
	 * sent to the session anywhere arrives here.
	 *
	 * @throws {InvalidSessionIdError} where the id is no string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} where the object cannot be reached.
	 */
	override async create(id: string, controller: ReadableStreamDefaultController): Promise<void> {
		const session = encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
		const stream: LocalStream = { controller };
		// Known before its socket is there: a client may leave while it is opened.
		const streams = this.#local.get(session) ?? new Set();
		this.#local.set(session, streams.add(stream));
		try {
			this.#hold(session, stream, await openSocket(this.#binding, { role: 'stream', session }));
		} catch (error) {
			this.#release(session, stream);
			throw error;
		}
	}

	/**
	 * Ends the session's streams in every isolate. Called because one of its streams was cancelled,
	 * it lets go of that one alone: the client may have opened the next one already. Inboxes stay
	 * open: a request that is at work when its session ends may finish.
	 *
	 * @throws {StreamError} where the object cannot be reached.
	 */
	override async delete(id: string): Promise<void> {
		const session = encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
		const cancelled = [...(this.#local.get(session) ?? [])].filter(
			({ controller }) => !isOpen(controller),
		);
		for (const stream of cancelled) this.#release(session, stream);
		if (cancelled.length > 0) return;
		try {
			await syncLayer(this.#binding).delete(session);
		} catch (cause) {
			throw new StreamError(PACKAGE, "ending a session's streams", cause);
		}
	}

	/**
	 * False: a stream never stands in the way of the next one of its session. A transport that sees
	 * true refuses a client that reconnects before its old connection is known to be dead.
	 */
	override has(_id: string): boolean {
		return false;
	}

	/**
	 * Sends an SSE frame to sessions in every isolate; never rejects, since the transport does not
	 * wait. A failure goes to `onError`.
	 */
	override send(sessions: string[] | undefined, data: string): Promise<void> {
		if (sessions?.length === 0) return Promise.resolve();
		const sending = this.#broadcast(sessions, data);
		keepAlive(sending, waitUntil);
		return sending;
	}

	/**
	 * Opens an inbox, for one upgrade request to the object. Where its socket is lost, a new one is
	 * opened, once; where that fails, or is lost in its turn, `onError` is told. What is delivered
	 * meanwhile does not arrive, and the number that `deliver` returns says so.
	 *
	 * @throws {InvalidSessionIdError} where the id is no string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} where the object cannot be reached.
	 */
	async openInbox(id: string, take: (message: string) => void): Promise<SessionInbox> {
		const session = encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
		return SocketInbox.open({
			openSocket: () => openSocket(this.#binding, { role: 'inbox', session }),
			take,
			report: this.#report,
		});
	}

	/**
	 * Delivers a message, for one call to the object.
	 *
	 * @returns how many inboxes it was sent to. One that was closed a moment ago may be counted.
	 * @throws {InvalidSessionIdError} where the id is no string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} where the object cannot be reached, or the message has more than 11,184,810
	 * UTF-16 units, which is 32 MiB of UTF-8 at worst.
	 */
	async deliver(id: string, message: string): Promise<number> {
		const session = encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
		const operation = 'delivering to inboxes';
		if (message.length > MAX_MESSAGE_LENGTH) {
			const reason = `a message has at most ${MAX_MESSAGE_LENGTH} UTF-16 units; found ${message.length}. Send less`;
			throw new StreamError(PACKAGE, operation, reason);
		}
		try {
			return await syncLayer(this.#binding).deliver(session, message);
		} catch (cause) {
			throw new StreamError(PACKAGE, operation, cause);
		}
	}

	async #broadcast(sessions: string[] | undefined, data: string): Promise<void> {
		try {
			await syncLayer(this.#binding).broadcast(sessions?.flatMap(streamable), data);
		} catch (cause) {
			this.#report(new StreamError(PACKAGE, 'sending to streams', cause));
		}
	}

	#hold(session: string, stream: LocalStream, socket: WebSocket): void {
		stream.socket = socket;
		if (!this.#local.get(session)?.has(stream)) {
			socket.close(1000); // Its client left meanwhile.
			return;
		}
		const { controller } = stream;
		socket.addEventListener('message', ({ data }) => {
			if (typeof data === 'string' && !enqueueFrame(controller, data)) {
				this.#release(session, stream);
			}
		});
		socket.addEventListener('close', () => {
			if (this.#release(session, stream)) closeStream(controller);
		});
		socket.addEventListener('error', ({ message }) => {
			// A closed socket can still fail, when its handshake is cut: that stream has ended already.
			if (!this.#release(session, stream)) return;
			this.#report(new StreamError(PACKAGE, 'holding a stream', message));
			closeStream(controller);
		});
	}

	/** @returns false where the stream was let go already. */
	#release(session: string, stream: LocalStream): boolean {
		const streams = this.#local.get(session);
		if (!streams?.delete(stream)) return false;
		if (streams.size === 0) this.#local.delete(session);
		stream.socket?.close(1000);
		return true;
	}
}

/** A session as the object knows it; none where its id could not have opened a stream. */
function streamable(id: string): string[] {
	try {
		return [encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES)];
	} catch {
		return [];
	}
}
