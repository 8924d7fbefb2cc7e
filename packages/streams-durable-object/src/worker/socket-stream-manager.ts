import type { ErrorReporter } from '@tmcp-sessions/core';
import {
	createReporter,
	currentScope,
	encodeSessionId,
	knowsPolling,
	sleep,
} from '@tmcp-sessions/core/backend';
import type { RequestScope, SessionInbox } from '@tmcp-sessions/core/backend';
import { isStreamOpen, shardOfSession, UNKNOWN_CALL_WAIT_MS } from '@tmcp-sessions/core/internal';
import { StreamSessionManager } from '@tmcp/session-manager';

import { Backoff } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';
import { hashedClient } from './hashed-client.ts';
import { DEFAULT_OPEN_TIMEOUT_MS, joinSocket, openSocket } from './open-socket.ts';
import type { JoinedStream, OpenedSocket, SocketTarget } from './open-socket.ts';
import { ReconnectingSocket } from './reconnecting-socket.ts';
import { ReconnectingStream } from './reconnecting-stream.ts';
import { StreamGroups } from './stream-groups.ts';
import { PACKAGE } from '../package-name.ts';
import { MAX_SESSION_ID_BYTES } from '../wire/limits.ts';
import type { InboxPurpose, StreamPurpose } from '../wire/socket-purpose.ts';

/**
 * Finds the object of a session. Called for each socket, since a stub that has failed stays broken.
 *
 * @param session the id, URI encoded.
 * @param scope the request that owns the stream or the inbox. Use it instead of `currentScope`, which
 * returns `undefined` when a lost socket is replaced.
 */
export type SessionStubFor = (
	session: string,
	scope: RequestScope | undefined,
) => SocketTarget | Promise<SocketTarget>;

export interface SocketStreamOptions {
	readonly onError?: ErrorReporter | undefined;
	readonly openTimeoutMs?: number | undefined;
	readonly callWaitMs?: number | undefined;
	readonly random?: (() => number) | undefined;
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
	/** Whether streams share sockets. Only if all sessions of a shard have the same object. Default: false. */
	readonly sharesSockets?: boolean | undefined;
}

/** Holds the streams and inboxes of a Worker's requests, by sockets to the objects of their sessions. */
export abstract class SocketStreamManager extends StreamSessionManager {
	protected readonly report: (cause: unknown, session?: string) => void;
	readonly #stubFor: SessionStubFor;
	readonly #backoff: BackoffOptions;
	readonly #openTimeoutMs: number | undefined;
	readonly #callWaitMs: number;
	readonly #sharesSockets: boolean;
	/** The streams of this isolate's requests, by encoded session id. */
	readonly #streams = new Map<string, Set<ReconnectingStream>>();
	readonly #groups = new StreamGroups();
	readonly #streamOfRequest = new WeakMap<RequestScope, ReconnectingStream>();

	constructor(stubFor: SessionStubFor, options: SocketStreamOptions) {
		super();
		this.report = createReporter(options.onError);
		this.#stubFor = stubFor;
		this.#openTimeoutMs = options.openTimeoutMs;
		this.#sharesSockets = options.sharesSockets ?? false;
		this.#callWaitMs = options.callWaitMs ?? UNKNOWN_CALL_WAIT_MS;
		this.#backoff = {
			random: options.random ?? Math.random,
			sleep: options.sleep ?? sleep,
			now: Date.now,
		};
	}

	/**
	 * Opens a stream of the session, or resumes the one that the request names. Other streams of the
	 * session stay open. Once this has resolved, the stream receives everything that any isolate sends to
	 * the session. A lost socket is replaced, and the stream continues after the last event. If that fails
	 * for 30 seconds, the error is reported to `onError` and the stream is closed.
	 *
	 * @throws {InvalidSessionIdError} if the id is not a string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} if the object cannot be reached.
	 * @throws {UnknownSessionError} if the session has ended.
	 */
	override async create(id: string, controller: ReadableStreamDefaultController): Promise<void> {
		const session = encodeId(id);
		const scope = currentScope();
		const stream = new ReconnectingStream({
			controller,
			lastEventId: scope?.lastEventId,
			knowsPolling: knowsPolling(scope?.protocolVersion),
			openSocket: (lastEventId, rank, place, isShared) =>
				this.#openSocket({ role: 'stream', session, lastEventId, rank, place, isShared }, scope),
			joinSocket: this.#sharesSockets
				? (lastEventId, rank, place, via) =>
						this.#joinSocket({ role: 'stream', session, lastEventId, rank, place, via }, scope)
				: undefined,
			join: (joining, preferred) => this.#groups.join(joining, shardOfSession(session), preferred),
			backoff: this.newBackoff(),
			callWaitMs: this.#callWaitMs,
			report: (cause) => this.report(cause, id),
			onEnd: () => this.#remove(session, stream),
		});
		if (scope) this.#streamOfRequest.set(scope, stream);
		// Before its socket is open: the client may disconnect meanwhile.
		const streams = this.#streams.get(session) ?? new Set();
		this.#streams.set(session, streams.add(stream));
		try {
			await stream.open();
		} catch (error) {
			stream.release();
			throw error;
		}
	}

	/**
	 * Returns false: an open stream does not prevent the next one of its session. A transport that sees
	 * true refuses a client that reconnects before its old connection is known to be dead.
	 */
	override has(_id: string): boolean {
		return false;
	}

	/**
	 * Opens an inbox, which costs one upgrade request to the object. A lost socket is replaced, however
	 * long that takes; if it fails for 30 seconds, the error is reported to `onError`. Messages that are
	 * delivered in between do not arrive, and `deliver` does not count them. A session has at most 256 open
	 * inboxes.
	 *
	 * @param call the resumable stream of the request. The object knows by it that the request runs.
	 * @throws {InvalidSessionIdError} if the id is not a string of 1 to 240 bytes, URI encoded.
	 * @throws {StreamError} if the object cannot be reached.
	 */
	async openInbox(
		id: string,
		receive: (message: string) => void,
		call?: string,
	): Promise<SessionInbox> {
		const session = encodeId(id);
		const scope = currentScope();
		const backoff = this.newBackoff();
		const inbox = new ReconnectingSocket({
			operation: 'holding an inbox',
			open: () => this.#openSocket({ role: 'inbox', session, call }, scope),
			backoff,
			onMessage: (message) => {
				backoff.reset();
				receive(message);
			},
			onFailure: (cause) => {
				this.report(cause, id);
				return true;
			},
		});
		await inbox.open();
		return inbox;
	}

	protected newBackoff(): Backoff {
		return new Backoff(this.#backoff);
	}

	/**
	 * Releases the stream whose client has disconnected: that of the current request or, outside of any
	 * request, the cancelled ones of the session. Other streams stay: the client may have reconnected.
	 *
	 * @returns whether a stream was released.
	 */
	protected release(id: string): boolean {
		const scope = currentScope();
		const own = scope && this.#streamOfRequest.get(scope);
		if (own) {
			own.release();
			return true;
		}
		const local = scope ? [] : [...(this.#streams.get(encodeId(id)) ?? [])];
		const cancelled = local.filter(({ controller }) => !isStreamOpen(controller));
		for (const stream of cancelled) stream.release();
		return cancelled.length > 0;
	}

	async #openSocket(
		purpose: InboxPurpose | StreamPurpose,
		scope: RequestScope | undefined,
	): Promise<OpenedSocket> {
		const client = await hashedClient(scope);
		const target = await this.#stubFor(purpose.session, scope);
		const timeoutMs = this.#openTimeoutMs ?? DEFAULT_OPEN_TIMEOUT_MS;
		// A call whose inbox takes longer to reconnect would count as lost.
		const isInbox = purpose.role === 'inbox';
		return openSocket(
			target,
			{ ...purpose, client },
			isInbox ? Math.min(timeoutMs, DEFAULT_OPEN_TIMEOUT_MS) : timeoutMs,
		);
	}

	async #joinSocket(
		purpose: StreamPurpose,
		scope: RequestScope | undefined,
	): Promise<JoinedStream | 'full' | 'unknown'> {
		const client = await hashedClient(scope);
		const target = await this.#stubFor(purpose.session, scope);
		return joinSocket(target, { ...purpose, client }, this.#openTimeoutMs);
	}

	#remove(session: string, stream: ReconnectingStream): void {
		const streams = this.#streams.get(session);
		if (streams?.delete(stream) && streams.size === 0) this.#streams.delete(session);
	}
}

/**
 * Encodes a session id for the object.
 *
 * @throws {InvalidSessionIdError} if the id is not a string of 1 to 240 bytes, URI encoded.
 */
export function encodeId(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_SESSION_ID_BYTES);
}
