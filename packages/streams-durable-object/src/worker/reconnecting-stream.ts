import { BoundedStream, closeStream, closingFrame, eventIdOf } from '@tmcp-sessions/core/backend';
import {
	gapOf,
	stalledError,
	TOO_MANY_STREAMS,
	unknownCallFrame,
	withoutPriming,
} from '@tmcp-sessions/core/internal';

import type { Backoff } from './backoff.ts';
import type { OpenedSocket } from './open-socket.ts';
import { ReconnectingSocket } from './reconnecting-socket.ts';
import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';
import { parseCallPosition } from '../wire/call-position.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { RANK_HEADER, REPLAYED_HEADER } from '../wire/headers.ts';

const HOLDING = 'holding a stream';

interface ReconnectingStreamOptions {
	readonly controller: ReadableStreamDefaultController;
	/** The last event that the client received, if it resumes a stream. */
	readonly lastEventId: string | undefined;
	/** Whether the client knows priming events and closing frames. */
	readonly knowsPolling: boolean;
	/** Opens a socket for the stream, in the request that owns it. */
	readonly openSocket: (
		lastEventId: string | undefined,
		rank: number | undefined,
	) => Promise<OpenedSocket>;
	readonly backoff: Backoff;
	/** How long a stream that resumes an unknown call stays open. */
	readonly callWaitMs: number;
	readonly report: (cause: unknown) => void;
	/** Called once, when the stream has ended. */
	readonly onEnd: () => void;
}

/**
 * Holds the stream of a client by a socket to the object, in the request that owns it. When the socket
 * is lost, the client's stream stays open and continues on a new socket after the last event that was
 * written.
 */
export class ReconnectingStream {
	readonly controller: ReadableStreamDefaultController;
	readonly #options: ReconnectingStreamOptions;
	readonly #stream: BoundedStream;
	readonly #socket: ReconnectingSocket;
	#lastEventId: string | undefined;
	#rank: number | undefined;
	/** The number of replayed messages that have not arrived yet. */
	#replayed = 0;
	/** Closes a stream that resumes a call, unless an event of the call arrives in time. */
	#callTimer: ReturnType<typeof setTimeout> | undefined;

	constructor(options: ReconnectingStreamOptions) {
		this.controller = options.controller;
		this.#options = options;
		this.#stream = new BoundedStream(options.controller);
		this.#lastEventId = options.lastEventId;
		this.#socket = new ReconnectingSocket({
			operation: HOLDING,
			open: () => this.#openSocket(),
			backoff: options.backoff,
			onMessage: (frame) => this.#write(frame),
			onFinalClose: (code) => {
				if (code !== FINAL_CLOSE_CODES.tooManyStreams) return this.#end();
				options.report(createStreamError(HOLDING, TOO_MANY_STREAMS));
				this.#endEarly();
			},
			onFailure: (cause) => {
				options.report(cause);
				this.#endEarly();
				return false;
			},
		});
	}

	/**
	 * Opens the first socket.
	 *
	 * @throws as `openSocket` does.
	 */
	async open(): Promise<void> {
		await this.#socket.open();
		const position = parseCallPosition(this.#lastEventId);
		if (this.#socket.isClosed || !position) return;
		this.#callTimer = setTimeout(() => {
			// Another request that releases the stream cannot clear this request's timer.
			if (this.#socket.isClosed) return;
			this.#write(unknownCallFrame(position));
			this.#endEarly();
		}, this.#options.callWaitMs);
	}

	/** Closes the socket. The client's stream has ended already, or the caller closes it. */
	release(): void {
		if (this.#socket.isClosed) return;
		if (this.#callTimer !== undefined) clearTimeout(this.#callTimer);
		this.#socket.close();
		this.#options.onEnd();
	}

	async #openSocket(): Promise<OpenedSocket> {
		const opened = await this.#options.openSocket(this.#lastEventId, this.#rank);
		this.#rank = parseHeader(opened.headers, RANK_HEADER);
		this.#replayed = parseHeader(opened.headers, REPLAYED_HEADER) ?? 0;
		return opened;
	}

	#write(frame: string): void {
		if (this.#callTimer !== undefined) clearTimeout(this.#callTimer);
		const gap = gapOf(frame);
		if (gap) this.#options.report(createStreamError('resuming a stream', gap));
		const written = this.#options.knowsPolling ? frame : withoutPriming(frame);
		const outcome = this.#stream.write(written, this.#replayed > 0);
		this.#replayed -= 1;
		if (outcome === 'taken') {
			this.#lastEventId = eventIdOf(frame) ?? this.#lastEventId;
			this.#options.backoff.reset();
			return;
		}
		if (outcome === 'full') {
			const error = stalledError(PACKAGE);
			this.#stream.cut(error);
			this.#options.report(error);
		}
		this.release();
	}

	/** Ends a stream that its client may open again. */
	#endEarly(): void {
		if (this.#options.knowsPolling) this.#stream.write(closingFrame());
		this.#end();
	}

	#end(): void {
		this.release();
		closeStream(this.controller);
	}
}

function parseHeader(headers: Headers, name: string): number | undefined {
	const value = Number(headers.get(name) ?? Number.NaN);
	return Number.isSafeInteger(value) ? value : undefined;
}
