import {
	currentScope,
	encodeSessionId,
	isOpen,
	keepAlive,
	reporterOf,
	StreamError,
} from '@tmcp-sessions/core';
import type {
	CallEvents,
	ErrorReporter,
	RequestScope,
	ResumableStreams,
	SessionInbox,
	SessionInboxes,
	StreamPresence,
} from '@tmcp-sessions/core';
import { StreamSessionManager } from '@tmcp/session-manager';
import { waitUntil } from 'cloudflare:workers';

import { Backoff } from './backoff.ts';
import { DEFAULT_BINDING, PACKAGE, syncLayer } from './binding.ts';
import type { SyncLayerBinding } from './binding.ts';
import { ClientStream } from './client-stream.ts';
import { openSocket } from './open-socket.ts';
import { MAX_MESSAGE_LENGTH, SocketInbox } from './session-inbox.ts';
import { MAX_SESSION_BYTES } from './socket-address.ts';

/** A frame gets an id, which has some room. */
const MAX_FRAME_LENGTH = MAX_MESSAGE_LENGTH - 256;

/** Options of the managers that share a `SyncLayer`. */
export interface SyncLayerOptions {
	/** Told of messages and sockets to the object that were lost. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

/** Options of a manager of streams; `random` and `sleep` are for tests. */
export interface StreamSessionOptions extends SyncLayerOptions {
	/** From 0 to 1, to spread the attempts to reach the object again. `Math.random` unless given. */
	readonly random?: (() => number) | undefined;
	/** Waits so many milliseconds. A timer unless given. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/**
 * The sessions' GET streams, wherever their isolates are: each holds one socket to the `SyncLayer`,
 * and a message goes through that object to the newest stream of each session, and into its log for
 * those whose stream is down. The inboxes of the requests at work for a session are reached through
 * it too, with a socket for each.
 */
export class DurableObjectStreamSessionManager
	extends StreamSessionManager
	implements SessionInboxes, ResumableStreams, StreamPresence
{
	readonly #binding: SyncLayerBinding;
	readonly #report: (cause: unknown, session?: string) => void;
	readonly #random: () => number;
	readonly #sleep: (ms: number) => Promise<void>;
	/** The streams that requests of this isolate hold. */
	readonly #local = new Map<string, Set<ClientStream>>();
	/** Which request holds which stream. */
	readonly #owners = new WeakMap<RequestScope, ClientStream>();

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: StreamSessionOptions = {}) {
		super();
		this.#binding = binding;
		this.#report = reporterOf(options.onError);
		this.#random = options.random ?? Math.random;
		this.#sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
	}

	/**
	 * Opens a stream of the session, or resumes the one that the request names; its other ones stay
	 * open. Once this has resolved, everything sent to the session anywhere arrives here. Where the
	 * object is lost afterwards, it is looked for again for half a minute, and the stream goes on where
	 * it was; where that does not help, `onError` is told and the stream is closed.
	 *
	 * @throws {InvalidSessionIdError} where the id is no string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} where the object cannot be reached.
	 */
	override async create(id: string, controller: ReadableStreamDefaultController): Promise<void> {
		const session = encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
		const scope = currentScope();
		const stream = new ClientStream({
			controller,
			lastEventId: scope?.lastEventId,
			openSocket: (lastEventId, rank) =>
				openSocket(this.#binding, { role: 'stream', session, lastEventId, rank }),
			backoff: new Backoff(this.#random),
			sleep: this.#sleep,
			report: (cause) => this.#report(cause, id),
			onEnd: () => this.#forget(session, stream),
		});
		if (scope) this.#owners.set(scope, stream);
		// Known before its socket is there: a client may leave while it is opened.
		const streams = this.#local.get(session) ?? new Set();
		this.#local.set(session, streams.add(stream));
		try {
			await stream.open();
		} catch (error) {
			stream.release();
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
		const scope = currentScope();
		const own = scope && this.#owners.get(scope);
		if (own) return own.release();
		const cancelled = [...(this.#local.get(session) ?? [])].filter(
			({ controller }) => !isOpen(controller),
		);
		for (const stream of cancelled) stream.release();
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
	 * wait. A failure goes to `onError`, as does a frame of more than 11,184,554 UTF-16 units, which
	 * is not sent.
	 */
	override send(sessions: string[] | undefined, data: string): Promise<void> {
		if (sessions?.length === 0) return Promise.resolve();
		const sending = this.#broadcast(sessions, data);
		keepAlive(sending, waitUntil);
		return sending;
	}

	async hasOpenStream(id: string): Promise<boolean> {
		const session = encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
		try {
			return await syncLayer(this.#binding).has(session);
		} catch (cause) {
			throw new StreamError(PACKAGE, 'looking for a stream', cause);
		}
	}

	async keepCall(id: string, events: CallEvents): Promise<void> {
		const session = encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
		try {
			await syncLayer(this.#binding).keepCall(session, events);
		} catch (cause) {
			throw new StreamError(PACKAGE, 'keeping what a call said', cause);
		}
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
		const operation = 'sending to streams';
		if (data.length > MAX_FRAME_LENGTH) {
			const reason = `a message has at most ${MAX_FRAME_LENGTH} UTF-16 units; found ${data.length}. Send less`;
			this.#report(new StreamError(PACKAGE, operation, reason));
			return;
		}
		try {
			await syncLayer(this.#binding).broadcast(sessions?.flatMap(streamable), data);
		} catch (cause) {
			this.#report(new StreamError(PACKAGE, operation, cause));
		}
	}

	#forget(session: string, stream: ClientStream): void {
		const streams = this.#local.get(session);
		if (streams?.delete(stream) && streams.size === 0) this.#local.delete(session);
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
