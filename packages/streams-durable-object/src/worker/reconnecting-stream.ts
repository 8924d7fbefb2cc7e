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
import { FrameHandOver } from './frame-hand-over.ts';
import { FrameOrder } from './frame-order.ts';
import type { FrameReceiver, TakenPlace } from './stream-groups.ts';
import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';
import { parseCallPosition } from '../wire/call-position.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { RANK_HEADER, REPLAYED_HEADER } from '../wire/headers.ts';
import { parseStreamMessage } from '../wire/stream-messages.ts';
import type { GroupMessage, StreamMessage } from '../wire/stream-messages.ts';

const HOLDING = 'holding a stream';

/** How long a message may take that was sent on the socket of another stream, after a later one has arrived. */
const MISSING_MS = 1_000;

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
		place: TakenPlace | undefined,
	) => Promise<OpenedSocket>;
	/** Takes a place in a group of the object's streams, unless the runtime does not support groups. */
	readonly join: (receive: FrameReceiver) => TakenPlace | undefined;
	/** Gives a message to the streams of the group. */
	readonly distribute: (message: GroupMessage) => void;
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
	/** The place of the current socket. */
	#place: TakenPlace | undefined;
	#order = new FrameOrder();
	/** The frames for the place that other requests receive. */
	#handOver: FrameHandOver | undefined;
	#orderTimer: ReturnType<typeof setTimeout> | undefined;
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
			onMessage: (message) => this.#receive(parseStreamMessage(message)),
			onLateMessage: (text) => {
				const message = parseStreamMessage(text);
				if (message.kind === 'group') options.distribute(message.message);
			},
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
		if (this.#orderTimer !== undefined) clearTimeout(this.#orderTimer);
		this.#leave();
		this.#socket.close();
		this.#options.onEnd();
	}

	async #openSocket(): Promise<OpenedSocket> {
		this.#leave();
		this.#order = new FrameOrder();
		this.#replayed = 0;
		// The frames of a call are sent to each stream that resumes it.
		if (!parseCallPosition(this.#lastEventId)) this.#join();
		const opened = await this.#options.openSocket(this.#lastEventId, this.#rank, this.#place);
		this.#rank = parseHeader(opened.headers, RANK_HEADER);
		this.#replayed = parseHeader(opened.headers, REPLAYED_HEADER) ?? 0;
		return opened;
	}

	/** Takes a place in a group, if the runtime can hand over what other requests receive. */
	#join(): void {
		const handOver = new FrameHandOver();
		this.#place = this.#options.join((number, frame) => handOver.push(number, frame));
		if (!this.#place) return;
		this.#handOver = handOver;
		this.#takeFrames(handOver).catch(this.#options.report);
	}

	#leave(): void {
		this.#place?.leave();
		this.#handOver?.close();
		this.#place = undefined;
		this.#handOver = undefined;
	}

	/** Writes the frames that other requests receive for a place until it is left. */
	async #takeFrames(handOver: FrameHandOver): Promise<void> {
		for (let frames = await handOver.take(); frames; frames = await handOver.take()) {
			for (const { number, frame } of frames) {
				if (handOver === this.#handOver) this.#writeInOrder(number, frame);
			}
		}
		if (handOver === this.#handOver && handOver.hasOverflowed) {
			this.#resume('too many messages were not taken in time');
		}
	}

	#receive(message: StreamMessage): void {
		switch (message.kind) {
			case 'frame':
				return this.#write(message.frame);
			case 'group':
				return this.#options.distribute(message.message);
			case 'numbered':
				if (message.frame !== '') return this.#writeInOrder(message.number, message.frame);
				this.#order.expect(message.number);
				this.#watchOrder();
		}
	}

	#writeInOrder(number: number, frame: string): void {
		for (const ready of this.#order.add(number, frame)) this.#write(ready);
		if (this.#order.isFull) this.#resume('too many messages wait for one of another socket');
		else this.#watchOrder();
	}

	/** Resumes on another socket if a message is missing that a socket of the group should have received. */
	#watchOrder(): void {
		const order = this.#order;
		const { missing } = order;
		if (missing === undefined || this.#orderTimer !== undefined || this.#socket.isClosed) return;
		this.#orderTimer = setTimeout(() => {
			this.#orderTimer = undefined;
			if (order === this.#order && order.missing === missing) {
				this.#resume('a message was lost with the socket of another stream');
			} else this.#watchOrder();
		}, MISSING_MS);
	}

	/** Resumes after the last message that was written, on another socket. */
	#resume(reason: string): void {
		this.#leave();
		this.#socket.replace(reason);
	}

	#write(frame: string): void {
		if (this.#socket.isClosed) return;
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
