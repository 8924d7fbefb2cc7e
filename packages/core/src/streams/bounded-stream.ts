import { StreamError } from '../errors.ts';

const encoder = new TextEncoder();

/** The most bytes that wait for a client to read them. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** What became of a frame: it waits for the client, the stream has ended, or too much waits already. */
export type WriteOutcome = 'taken' | 'ended' | 'full';

/**
 * A client's stream, and how much waits in it. The queue of a stream counts chunks and not bytes: a
 * client that stops reading would take all memory there is.
 */
export class BoundedStream {
	readonly controller: ReadableStreamDefaultController;
	readonly #maxBytes: number;
	/** What `desiredSize` is of an empty queue. */
	readonly #room: number;
	/** What the chunks that may wait count, oldest first, and the sum: of one that is replayed, nothing. */
	#lengths: number[] = [];
	#bytes = 0;

	/** @param controller of a stream that nothing was written to. */
	constructor(controller: ReadableStreamDefaultController, maxBytes: number = MAX_QUEUED_BYTES) {
		this.controller = controller;
		this.#maxBytes = maxBytes;
		this.#room = controller.desiredSize ?? 0;
	}

	/**
	 * A frame of any length is taken where nothing waits.
	 *
	 * @param isReplayed whether it comes from a log, which has bounds of its own: it is taken too and
	 * does not count, or a client that missed much would never get past it.
	 */
	write(frame: string, isReplayed = false): WriteOutcome {
		const chunk = encoder.encode(frame);
		this.#forgetRead();
		const isTooMuch = this.#bytes > 0 && this.#bytes + chunk.length > this.#maxBytes;
		if (isTooMuch && !isReplayed) return 'full';
		try {
			this.controller.enqueue(chunk);
		} catch {
			return 'ended';
		}
		const counted = isReplayed ? 0 : chunk.length;
		this.#lengths.push(counted);
		this.#bytes += counted;
		return 'taken';
	}

	/**
	 * Cuts off a client that does not read. What waits is let go of: it comes back for it. Not closed,
	 * since a stream that is closed keeps what waits.
	 */
	cut(reason: Error): void {
		this.controller.error(reason);
		this.#lengths = [];
		this.#bytes = 0;
	}

	#forgetRead(): void {
		const waiting = this.#room - (this.controller.desiredSize ?? 0);
		while (this.#lengths.length > Math.max(waiting, 0)) this.#bytes -= this.#lengths.shift() ?? 0;
	}
}

/** Why a stream was cut off. */
export function stalledError(packageName: string): StreamError {
	const reason = 'its client does not read; it gets what it missed when it comes back';
	return new StreamError(packageName, 'writing to a stream', reason);
}
