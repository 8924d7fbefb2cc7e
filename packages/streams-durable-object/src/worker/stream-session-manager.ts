import { StreamError } from '@tmcp-sessions/core';
import type { ErrorReporter } from '@tmcp-sessions/core';
import {
	createReporter,
	currentScope,
	encodeSessionId,
	keepRequestAlive,
} from '@tmcp-sessions/core/backend';
import type {
	CallEvents,
	RequestScope,
	ResumableStreams,
	SessionInbox,
	SessionInboxes,
	StreamPresence,
} from '@tmcp-sessions/core/backend';
import { isStreamOpen, shardOfSession, UNKNOWN_CALL_WAIT_MS } from '@tmcp-sessions/core/internal';
import { StreamSessionManager } from '@tmcp/session-manager';
import { waitUntil } from 'cloudflare:workers';

import { Backoff } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';
import { DEFAULT_BINDING, PACKAGE, syncLayerOf } from './binding.ts';
import type { SyncLayerBinding, SyncLayers } from './binding.ts';
import { ReconnectingStream } from './reconnecting-stream.ts';
import { lengthProblem, MAX_MESSAGE_CHARACTERS } from '../wire/limits.ts';
import { openSocket } from './open-socket.ts';
import type { OpenedSocket } from './open-socket.ts';
import { publisherOf } from './publisher.ts';
import { SocketInbox } from './socket-inbox.ts';
import { MAX_SESSION_BYTES } from '../wire/socket-purpose.ts';
import type { SocketPurpose } from '../wire/socket-purpose.ts';

/** A frame gets an id, which has some room. */
const MAX_FRAME_LENGTH = MAX_MESSAGE_CHARACTERS - 256;

/** Options of the managers that share a `SyncLayer`. */
export interface SyncLayerOptions {
	/** Told of messages and sockets to the object that were lost. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
	/**
	 * What the objects may not leave. Default: nothing. Objects of one jurisdiction know nothing of
	 * those of another, and workerd on one's own machine has none.
	 */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
	/**
	 * How long the object has to take a socket, in milliseconds, each time that one is opened.
	 * 10,000 unless given.
	 */
	readonly openTimeoutMs?: number | undefined;
}

/** Options of a manager of streams; `random` and `sleep` are for tests. */
export interface StreamSessionOptions extends SyncLayerOptions {
	/**
	 * How long a client that came back for a call is kept waiting where nothing of the call is known,
	 * in milliseconds: then its stream ends with a gap. 120,000 unless given.
	 */
	readonly callWaitMs?: number | undefined;
	/** From 0 to 1, to spread the attempts to reach the object again. `Math.random` unless given. */
	readonly random?: (() => number) | undefined;
	/** Waits so many milliseconds. A timer unless given. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/**
 * The sessions' GET streams, wherever their isolates are: each holds one socket to the `SyncLayer` of
 * its session's shard, and a message goes through that object to the newest stream of each session,
 * and into its log for those whose stream is down. The inboxes of the requests at work for a session are reached through
 * it too, with a socket for each.
 */
export class DurableObjectStreamSessionManager
	extends StreamSessionManager
	implements SessionInboxes, ResumableStreams, StreamPresence
{
	readonly #layers: SyncLayers;
	readonly #report: (cause: unknown, session?: string) => void;
	readonly #backoff: BackoffOptions;
	readonly #openTimeoutMs: number | undefined;
	readonly #callWaitMs: number;
	/** The streams that requests of this isolate hold. */
	readonly #local = new Map<string, Set<ReconnectingStream>>();
	/** Which request holds which stream. */
	readonly #owners = new WeakMap<RequestScope, ReconnectingStream>();

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: StreamSessionOptions = {}) {
		super();
		this.#layers = { binding, jurisdiction: options.jurisdiction };
		this.#report = createReporter(options.onError);
		this.#openTimeoutMs = options.openTimeoutMs;
		this.#callWaitMs = options.callWaitMs ?? UNKNOWN_CALL_WAIT_MS;
		this.#backoff = {
			random: options.random ?? Math.random,
			sleep: options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
			now: Date.now,
		};
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
		const session = encoded(id);
		const scope = currentScope();
		const stream = new ReconnectingStream({
			controller,
			lastEventId: scope?.lastEventId,
			openSocket: (lastEventId, rank) =>
				this.#openSocket({ role: 'stream', session, lastEventId, rank }),
			backoff: new Backoff(this.#backoff),
			callWaitMs: this.#callWaitMs,
			report: (cause) => this.#report(cause, id),
			onEnd: () => this.#forget(session, stream),
		});
		if (scope) this.#owners.set(scope, stream);
		// Known before its socket is there: a client may leave while it is opened.
		const streams = this.#local.get(session) ?? new Set();
		this.#local.set(session, streams.add(stream));
		try {
			await stream.begin();
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
		const session = encoded(id);
		const scope = currentScope();
		const own = scope && this.#owners.get(scope);
		if (own) return own.release();
		// Without a scope, one that has ended tells which it was.
		const local = scope ? [] : [...(this.#local.get(session) ?? [])];
		const cancelled = local.filter(({ controller }) => !isStreamOpen(controller));
		for (const stream of cancelled) stream.release();
		if (cancelled.length > 0) return;
		try {
			await syncLayerOf(this.#layers, session).delete(session);
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
		keepRequestAlive(sending, waitUntil);
		return sending;
	}

	async hasOpenStream(id: string): Promise<boolean> {
		const session = encoded(id);
		try {
			return await syncLayerOf(this.#layers, session).has(session);
		} catch (cause) {
			throw new StreamError(PACKAGE, 'looking for a stream', cause);
		}
	}

	async keepCall(id: string, events: CallEvents): Promise<void> {
		const session = encoded(id);
		try {
			await syncLayerOf(this.#layers, session).keepCall(session, events);
		} catch (cause) {
			throw new StreamError(PACKAGE, 'keeping what a call said', cause);
		}
	}

	/**
	 * Opens an inbox, for one upgrade request to the object. Where its socket is lost, the object is
	 * looked for again for half a minute; where that does not help, `onError` is told. What is delivered
	 * meanwhile does not arrive, and the number that `deliver` returns says so. A session has at most
	 * 256 open inboxes.
	 *
	 * @throws {InvalidSessionIdError} where the id is no string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} where the object cannot be reached.
	 */
	async openInbox(id: string, take: (message: string) => void): Promise<SessionInbox> {
		const session = encoded(id);
		return SocketInbox.open({
			openSocket: () => this.#openSocket({ role: 'inbox', session }),
			backoff: new Backoff(this.#backoff),
			take,
			report: (cause) => this.#report(cause, id),
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
		const session = encoded(id);
		const operation = 'delivering to inboxes';
		const problem = lengthProblem(message.length);
		if (problem) throw new StreamError(PACKAGE, operation, problem);
		try {
			return await syncLayerOf(this.#layers, session).deliver(session, message);
		} catch (cause) {
			throw new StreamError(PACKAGE, operation, cause);
		}
	}

	async #broadcast(sessions: string[] | undefined, data: string): Promise<void> {
		const operation = 'sending to streams';
		const problem = lengthProblem(data.length, MAX_FRAME_LENGTH);
		if (problem) return this.#report(new StreamError(PACKAGE, operation, problem));
		const onFailure = (cause: unknown): void =>
			this.#report(new StreamError(PACKAGE, operation, cause));
		try {
			const publication = { sessions: sessions?.flatMap(streamable), frame: data };
			await publisherOf(this.#layers).publish(publication, onFailure);
		} catch (cause) {
			onFailure(cause);
		}
	}

	#openSocket(purpose: Exclude<SocketPurpose, { role: 'listener' }>): Promise<OpenedSocket> {
		const shard = shardOfSession(purpose.session);
		return openSocket(this.#layers, shard, purpose, this.#openTimeoutMs);
	}

	#forget(session: string, stream: ReconnectingStream): void {
		const streams = this.#local.get(session);
		if (streams?.delete(stream) && streams.size === 0) this.#local.delete(session);
	}
}

/** @throws {InvalidSessionIdError} where the id is no string of 1 to 240 bytes, URI encoded. */
function encoded(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_SESSION_BYTES);
}

/** A session as the object knows it; none where its id could not have opened a stream. */
function streamable(id: string): string[] {
	try {
		return [encoded(id)];
	} catch {
		return [];
	}
}
