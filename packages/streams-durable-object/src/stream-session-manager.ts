import {
	closeStream,
	enqueueFrame,
	InvalidSessionIdError,
	isOpen,
	reportToConsole,
	StreamError,
} from '@tmcp-sessions/core';
import type { ErrorReporter } from '@tmcp-sessions/core';
import { StreamSessionManager } from '@tmcp/session-manager';

import { DEFAULT_BINDING, PACKAGE, syncLayer } from './binding.ts';
import type { SyncLayerBinding } from './binding.ts';
import { keepAlive, openSocket } from './open-socket.ts';
import { MAX_SESSION_ID_LENGTH } from './socket-address.ts';

/** Options of the managers that share a `SyncLayer`. */
export interface SyncLayerOptions {
	/** Told of messages that could not be handed to the object. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

interface LocalStream {
	readonly controller: ReadableStreamDefaultController;
	readonly socket: WebSocket;
}

/**
 * The sessions' GET streams, wherever their isolates are: each holds one socket to the `SyncLayer`,
 * and a message goes through that object to the newest stream of each session.
 */
export class DurableObjectStreamSessionManager extends StreamSessionManager {
	readonly #binding: SyncLayerBinding;
	readonly #onError: ErrorReporter;
	/** The streams that requests of this isolate hold. */
	readonly #local = new Map<string, Set<LocalStream>>();

	/** @param binding a Durable Object namespace of `SyncLayer`, or the name of its binding. */
	constructor(binding: SyncLayerBinding = DEFAULT_BINDING, options: SyncLayerOptions = {}) {
		super();
		this.#binding = binding;
		this.#onError = options.onError ?? reportToConsole;
	}

	/**
	 * Opens a stream of the session; its older ones stay open. Once this has resolved, everything
	 * sent to the session anywhere arrives here.
	 *
	 * @throws {InvalidSessionIdError} where the id is no string of 1 to 240 characters.
	 * @throws {StreamError} where the object cannot be reached.
	 */
	override async create(id: string, controller: ReadableStreamDefaultController): Promise<void> {
		assertSessionId(id);
		const socket = await openSocket(this.#binding, { role: 'stream', session: id });
		const stream: LocalStream = { controller, socket };
		const streams = this.#local.get(id) ?? new Set();
		this.#local.set(id, streams.add(stream));

		socket.addEventListener('message', ({ data }) => {
			if (typeof data === 'string' && !enqueueFrame(controller, data)) this.#release(id, stream);
		});
		socket.addEventListener('close', () => {
			if (this.#release(id, stream)) closeStream(controller);
		});
		socket.addEventListener('error', ({ message }) => {
			// A closed socket can still fail, when its handshake is cut: that stream has ended already.
			if (!this.#release(id, stream)) return;
			this.#onError(new StreamError(PACKAGE, 'holding a stream', message));
			closeStream(controller);
		});
	}

	/**
	 * Ends the session's streams in every isolate. Called because one of its streams was cancelled,
	 * it lets go of that one alone: the client may have opened the next one already.
	 *
	 * @throws {StreamError} where the object cannot be reached.
	 */
	override async delete(id: string): Promise<void> {
		const cancelled = [...(this.#local.get(id) ?? [])].filter(
			({ controller }) => !isOpen(controller),
		);
		for (const stream of cancelled) this.#release(id, stream);
		if (cancelled.length > 0) return;
		try {
			await syncLayer(this.#binding).delete(id);
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
		keepAlive(sending);
		return sending;
	}

	async #broadcast(sessions: string[] | undefined, data: string): Promise<void> {
		try {
			await syncLayer(this.#binding).broadcast(sessions, data);
		} catch (cause) {
			this.#onError(new StreamError(PACKAGE, 'sending to streams', cause));
		}
	}

	/** @returns false where the stream was let go already. */
	#release(id: string, stream: LocalStream): boolean {
		const streams = this.#local.get(id);
		if (!streams?.delete(stream)) return false;
		if (streams.size === 0) this.#local.delete(id);
		stream.socket.close(1000);
		return true;
	}
}

function assertSessionId(id: unknown): void {
	if (typeof id !== 'string') throw new InvalidSessionIdError(PACKAGE, `a ${typeof id}`);
	if (id.length === 0) throw new InvalidSessionIdError(PACKAGE, 'an empty string');
	if (id.length > MAX_SESSION_ID_LENGTH) {
		throw new InvalidSessionIdError(
			PACKAGE,
			`${id.length} characters where ${MAX_SESSION_ID_LENGTH} is the most`,
		);
	}
}
