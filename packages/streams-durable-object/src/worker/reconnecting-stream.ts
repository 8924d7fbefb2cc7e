import { BoundedStream, closeStream, closingFrame, eventIdOf } from '@tmcp-sessions/core/backend';
import {
	gapOf,
	isStreamOpen,
	stalledError,
	TOO_MANY_STREAMS,
	unknownCallFrame,
	withoutPriming,
} from '@tmcp-sessions/core/internal';

import type { Backoff } from './backoff.ts';
import type { JoinedStream, OpenedSocket } from './open-socket.ts';
import { ReconnectingSocket, SharedConnection } from './reconnecting-socket.ts';
import { FrameHandOver } from './frame-hand-over.ts';
import { FrameOrder } from './frame-order.ts';
import { HOLDER_CHECK_MS, MEMBER_CHECK_MS } from './shared-group.ts';
import type { EndedMembers, GroupedStream, PlaceSignal, SharedGroup } from './shared-group.ts';
import type { TakenPlace } from './stream-groups.ts';
import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';
import { parseCallPosition } from '../wire/call-position.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { CLOSED_HEADER, RANK_HEADER, REPLAYED_HEADER, SHARED_HEADER } from '../wire/headers.ts';
import { parseNumber } from '../wire/parse-number.ts';
import { formatLeft, parseStreamMessage } from '../wire/stream-messages.ts';
import type { GroupMessage } from '../wire/stream-messages.ts';

const HOLDING = 'holding a stream';

/** How long a message may take that was sent on the socket of another stream, after a later one has arrived. */
const MISSING_MS = 1_000;

/** How long the object may take to have another socket take over a stream whose socket is lost. */
const TAKE_OVER_MS = 1_000;

/** The places of the sockets, also of those that are lost. */
const places = new WeakMap<WebSocket, TakenPlace>();

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
		isShared: boolean,
	) => Promise<OpenedSocket>;
	/**
	 * Has the stream share the socket of another one, as `joinSocket` does. Omit it to open a socket for
	 * each stream.
	 */
	readonly joinSocket?:
		| ((
				lastEventId: string | undefined,
				rank: number | undefined,
				place: TakenPlace,
				via: number,
		  ) => Promise<JoinedStream | 'full' | 'unknown'>)
		| undefined;
	/** Takes a place in a group of the object's streams, unless the runtime does not support groups. */
	readonly join: (stream: GroupedStream, preferred?: SharedGroup) => TakenPlace | undefined;
	/** Decides when the streams of the group get a message. For tests; default: at once. */
	readonly distribute?: ((distribute: () => void, message: GroupMessage) => void) | undefined;
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
	/** Whether the next socket is one that others can share. */
	#mustCarry = false;
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
			onOpen: () => void this.#takeFrames().catch(options.report),
			onLoss: () => this.#place?.shared.handleLoss(this.#place.member),
			onMessage: (message, socket) => this.#receive(message, socket, false),
			onLateMessage: (message, socket) => this.#receive(message, socket, true),
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

	async #openSocket(): Promise<{ readonly socket: SharedConnection | WebSocket }> {
		const mustCarry = this.#mustCarry;
		const left = this.#place;
		this.#mustCarry = false;
		this.#leave();
		this.#order = new FrameOrder();
		this.#replayed = 0;
		// The frames of a call are sent to each stream that resumes it.
		if (!parseCallPosition(this.#lastEventId)) this.#join(mustCarry ? left?.shared : undefined);
		const place = this.#place;
		const { joinSocket } = this.#options;
		if (!place || !joinSocket) return this.#openOwn(place, false);
		const via = await place.shared.connect(place.member, mustCarry);
		if (via === undefined) return this.#openOwn(place, true);
		const joined = await joinSocket(this.#lastEventId, this.#rank, place, via);
		if (typeof joined === 'object') return this.#handleJoined(place, joined);
		if (joined === 'unknown') place.shared.handleLoss(via);
		await place.shared.connect(place.member, true);
		return this.#openOwn(place, true);
	}

	async #openOwn(place: TakenPlace | undefined, isShared: boolean): Promise<OpenedSocket> {
		const opened = await this.#options.openSocket(this.#lastEventId, this.#rank, place, isShared);
		const { socket, headers } = opened;
		this.#rank = parseNumber(headers.get(RANK_HEADER));
		this.#replayed = parseNumber(headers.get(REPLAYED_HEADER)) ?? 0;
		if (!place) return opened;
		places.set(socket, place);
		const ended = isShared
			? place.shared.handleOpen(place.member, headers.has(SHARED_HEADER))
			: undefined;
		if (ended) {
			this.#reportEnded(ended, socket).catch(this.#options.report);
			this.#checkPlace(place, HOLDER_CHECK_MS);
		}
		return opened;
	}

	#handleJoined(
		place: TakenPlace,
		{ frames, headers }: JoinedStream,
	): {
		readonly socket: SharedConnection;
	} {
		this.#rank = parseNumber(headers.get(RANK_HEADER)) ?? this.#rank;
		this.#replayed = frames.length;
		for (const [number, frame] of frames.entries()) this.#writeInOrder(number, frame);
		const code = parseNumber(headers.get(CLOSED_HEADER));
		if (code !== undefined) place.shared.handleClosed(place.member, code);
		this.#checkPlace(place, MEMBER_CHECK_MS);
		// The client has disconnected meanwhile.
		if (this.#socket.isClosed) place.shared.reportEnded(place.member);
		return { socket: new SharedConnection() };
	}

	/** Tells the object which streams of the group have ended, in the request that holds a socket. */
	async #reportEnded(ended: EndedMembers, socket: WebSocket): Promise<void> {
		for (let members = await ended.take(); members; members = await ended.take()) {
			if (socket.readyState === WebSocket.OPEN) socket.send(formatLeft(members));
		}
	}

	/** Checks the group of a place regularly, which also keeps the request alive. */
	#checkPlace(place: TakenPlace, everyMs: number): void {
		const timer = setInterval(() => {
			if (this.#place !== place || this.#socket.isClosed) return clearInterval(timer);
			const signal = place.shared.check(place.member);
			if (signal) this.#handleSignal(signal, place);
		}, everyMs);
	}

	/** Takes a place in a group, if the runtime can hand over what other requests receive. */
	#join(preferred: SharedGroup | undefined): void {
		const handOver = new FrameHandOver();
		const stream = {
			receive: (number: number, frame: string): void => {
				if (!this.#writeAtOnce(handOver, number, frame)) handOver.push(number, frame);
			},
			signal: (signal: PlaceSignal): void => handOver.signal(signal),
			isOpen: () => isStreamOpen(this.controller),
			isStuck: () => handOver.isStuck,
		};
		this.#place = this.#options.join(stream, preferred);
		if (this.#place) this.#handOver = handOver;
	}

	/**
	 * Writes a frame in the request that received it, if that needs no timer, socket or report of the
	 * stream's request. Any request can write to a stream of JavaScript: workerd continues the request that
	 * reads it in its own context. Most frames are written like this, which takes less memory and time than
	 * the hand-over.
	 */
	#writeAtOnce(handOver: FrameHandOver, number: number, frame: string): boolean {
		const isCurrent = handOver === this.#handOver && this.#replayed <= 0;
		const isNext = frame !== '' && this.#order.isNext(number) && this.#stream.isIdle;
		// A message for a group is neither a priming event nor a gap.
		if (!isCurrent || !isNext || this.#stream.write(frame) !== 'taken') return false;
		this.#order.add(number, frame);
		this.#handleTaken(frame);
		return true;
	}

	#leave(): void {
		this.#place?.leave();
		this.#handOver?.close();
		this.#place = undefined;
		this.#handOver = undefined;
	}

	/** Writes the frames that other requests receive for the place until it is left. */
	async #takeFrames(): Promise<void> {
		const [handOver, place] = [this.#handOver, this.#place];
		if (!handOver || !place) return;
		while (await handOver.wait()) {
			for (const { number, frame } of handOver.take()) {
				if (handOver === this.#handOver) this.#receiveNumbered(number, frame);
			}
			const signal = handOver.takeSignal();
			if (signal !== undefined) this.#handleSignal(signal, place);
		}
		if (handOver === this.#handOver && handOver.hasOverflowed) {
			this.#resume('too many messages were not taken in time');
		}
	}

	#handleSignal(signal: PlaceSignal, place: TakenPlace): void {
		if (place !== this.#place || this.#socket.isClosed) return;
		if (typeof signal === 'number') return this.#socket.end(signal);
		if (signal === 'rejoin') return this.#resume('the socket of another stream is lost');
		if (signal === 'carry') {
			this.#mustCarry = true;
			return this.#socket.replace('other streams need a socket');
		}
		setTimeout(() => {
			if (place !== this.#place || place.shared.isConnected(place.member)) return;
			this.#resume('the socket of another stream is lost');
		}, TAKE_OVER_MS);
	}

	#receive(text: string, socket: WebSocket, isLate: boolean): void {
		const message = parseStreamMessage(text);
		const place = places.get(socket);
		switch (message.kind) {
			case 'frame':
				return isLate ? undefined : this.#write(message.frame);
			case 'numbered':
				return isLate ? undefined : this.#receiveNumbered(message.number, message.frame);
			case 'group': {
				const distribute = (): void => place?.shared.distribute(place.member, message.message);
				const { distribute: later } = this.#options;
				return later ? later(distribute, message.message) : distribute();
			}
			case 'moved':
				return isLate ? undefined : place?.shared.handleMoved(place.member, message.counts);
			case 'closed':
				return place?.shared.handleClosed(message.member, message.code);
		}
	}

	#receiveNumbered(number: number, frame: string): void {
		if (frame !== '') return this.#writeInOrder(number, frame);
		this.#order.expect(number);
		this.#watchOrder();
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
		if (outcome === 'taken') return this.#handleTaken(frame);
		if (outcome === 'full') {
			const error = stalledError(PACKAGE);
			this.#stream.cut(error);
			this.#options.report(error);
		}
		this.release();
	}

	#handleTaken(frame: string): void {
		this.#lastEventId = eventIdOf(frame) ?? this.#lastEventId;
		this.#options.backoff.reset();
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
