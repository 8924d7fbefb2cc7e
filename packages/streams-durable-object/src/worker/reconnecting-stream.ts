import { StreamError } from '@tmcp-sessions/core';
import {
	BoundedStream,
	closeStream,
	eventIdOf,
	isCallStream,
	parseEventId,
} from '@tmcp-sessions/core/backend';
import {
	gapOf,
	stalledError,
	TOO_MANY_STREAMS,
	unknownCallFrame,
} from '@tmcp-sessions/core/internal';

import type { Backoff } from './backoff.ts';
import type { OpenedSocket } from './open-socket.ts';
import { PACKAGE } from '../package-name.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { RANK_HEADER, REPLAYED_HEADER } from '../wire/headers.ts';

const HOLDING = 'holding a stream';

const FINAL: ReadonlySet<number> = new Set(Object.values(FINAL_CLOSE_CODES));

/** What a stream needs of its manager. */
export interface ReconnectingStreamOptions {
	readonly controller: ReadableStreamDefaultController;
	/** What its client saw last, where it resumes a stream. */
	readonly lastEventId: string | undefined;
	/** Opens a socket for the stream, in the request that owns it. */
	readonly openSocket: (
		lastEventId: string | undefined,
		rank: number | undefined,
	) => Promise<OpenedSocket>;
	readonly backoff: Backoff;
	/** How long it waits for a call of which nothing is known. */
	readonly callWaitMs: number;
	readonly report: (cause: unknown) => void;
	/** Told once, when the stream has ended. */
	readonly onEnd: () => void;
}

/**
 * A client's stream, as the request that owns it holds it: by a socket to the object. Where that is
 * lost the client's stream stays up, and goes on with a new socket after the last event that was
 * passed on. A timer or the socket keeps the request alive all the while.
 */
export class ReconnectingStream {
	readonly controller: ReadableStreamDefaultController;
	readonly #options: ReconnectingStreamOptions;
	readonly #stream: BoundedStream;
	/** Not there while one is being opened, and once the stream was released. */
	#socket: WebSocket | undefined;
	#lastEventId: string | undefined;
	#rank: number | undefined;
	/** How many messages are still to come that are replayed. */
	#replayed = 0;
	#isReleased = false;
	/** Until something of the call has come that the stream resumes. */
	#wait: ReturnType<typeof setTimeout> | undefined;

	constructor(options: ReconnectingStreamOptions) {
		this.controller = options.controller;
		this.#options = options;
		this.#stream = new BoundedStream(options.controller);
		this.#lastEventId = options.lastEventId;
	}

	/**
	 * Opens it for the first time.
	 *
	 * @throws what `openSocket` throws.
	 */
	async begin(): Promise<void> {
		await this.#open();
		const position = parseEventId(this.#lastEventId ?? '');
		if (this.#isReleased || !position || !isCallStream(position.stream)) return;
		this.#wait = setTimeout(() => {
			if (this.#isReleased) return; // In another request, which cannot clear the timer of this one.
			this.#pass(unknownCallFrame(position));
			this.#end();
		}, this.#options.callWaitMs);
	}

	/** Lets go of the socket; the client's stream has ended, or will be ended by the caller. */
	release(): void {
		if (this.#isReleased) return;
		this.#isReleased = true;
		if (this.#wait !== undefined) clearTimeout(this.#wait);
		const socket = this.#socket;
		this.#socket = undefined;
		this.#options.onEnd();
		socket?.close(1000);
	}

	async #open(): Promise<void> {
		const { socket, headers } = await this.#options.openSocket(this.#lastEventId, this.#rank);
		if (this.#isReleased) {
			socket.close(1000); // Its client left meanwhile.
			return;
		}
		this.#socket = socket;
		this.#rank = numberOf(headers, RANK_HEADER);
		this.#replayed = numberOf(headers, REPLAYED_HEADER) ?? 0;
		socket.addEventListener('message', ({ data }) => {
			if (typeof data === 'string' && this.#socket === socket) this.#pass(data);
		});
		socket.addEventListener('close', ({ code }) => this.#lose(socket, code, `closed with ${code}`));
		socket.addEventListener('error', ({ message }) => this.#lose(socket, undefined, message));
	}

	#pass(frame: string): void {
		if (this.#wait !== undefined) clearTimeout(this.#wait);
		const gap = gapOf(frame);
		if (gap) this.#options.report(new StreamError(PACKAGE, 'resuming a stream', gap));
		const writing = this.#stream.write(frame, this.#replayed > 0);
		this.#replayed -= 1;
		if (writing === 'taken') {
			this.#lastEventId = eventIdOf(frame) ?? this.#lastEventId;
			this.#options.backoff.reset();
			return;
		}
		if (writing === 'full') {
			const error = stalledError(PACKAGE);
			this.#stream.cut(error);
			this.#options.report(error);
		}
		this.release();
	}

	/** One socket can be lost twice, with an error and with a close. */
	#lose(socket: WebSocket, code: number | undefined, reason: string): void {
		if (this.#socket !== socket) return;
		if (code !== undefined && FINAL.has(code)) {
			if (code === FINAL_CLOSE_CODES.tooManyStreams) this.#report(TOO_MANY_STREAMS);
			this.#end();
			return;
		}
		this.#socket = undefined;
		socket.close(1000);
		const { backoff, report } = this.#options;
		const lost = new StreamError(PACKAGE, HOLDING, reason);
		const isWanted = (): boolean => !this.#isReleased;
		backoff
			.retry(lost, isWanted, () => this.#open())
			.then((failed) => {
				if (failed === undefined) return;
				report(failed);
				this.#end();
			}, report);
	}

	#end(): void {
		this.release();
		closeStream(this.controller);
	}

	#report(reason: string): void {
		this.#options.report(new StreamError(PACKAGE, HOLDING, reason));
	}
}

function numberOf(headers: Headers, name: string): number | undefined {
	const value = Number(headers.get(name) ?? Number.NaN);
	return Number.isSafeInteger(value) ? value : undefined;
}
