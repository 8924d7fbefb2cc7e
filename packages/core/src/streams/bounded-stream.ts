import { StreamError } from '../errors.ts';

const encoder = new TextEncoder();

/** The most bytes that are queued for a client. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** The outcome of a write: queued, rejected by an ended stream, or rejected by a full queue. */
export type WriteOutcome = 'taken' | 'ended' | 'full';

/**
 * Writes frames to one client, buffering at most 1 MiB. The queue of a `ReadableStream` has no limit:
 * a client that stops reading would exhaust the memory.
 */
export class BoundedStream {
	readonly controller: ReadableStreamDefaultController;
	readonly #maxBytes: number;
	/** The `desiredSize` of an empty queue. */
	readonly #capacity: number;
	/** The sizes of the chunks that may be queued, oldest first; 0 for replayed ones. */
	#lengths: number[] = [];
	#bytes = 0;

	/** @param controller the controller of a stream without chunks. */
	constructor(controller: ReadableStreamDefaultController, maxBytes: number = MAX_QUEUED_BYTES) {
		this.controller = controller;
		this.#maxBytes = maxBytes;
		this.#capacity = controller.desiredSize ?? 0;
	}

	/** Whether the client has read everything. */
	get isIdle(): boolean {
		return this.controller.desiredSize === this.#capacity;
	}

	/**
	 * Queues a frame. An empty queue accepts a frame of any length.
	 *
	 * @param isReplayed whether the frame comes from a log, which has its own bounds. Such a frame is
	 * always accepted and does not count: a long replay could otherwise never complete.
	 */
	write(frame: string, isReplayed = false): WriteOutcome {
		const chunk = encoder.encode(frame);
		this.#dropReadChunks();
		const exceeds = this.#bytes > 0 && this.#bytes + chunk.length > this.#maxBytes;
		if (exceeds && !isReplayed) return 'full';
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
	 * Disconnects a client that does not read, and releases the queue: the client reconnects for the
	 * rest. Errors the stream, because a closed stream keeps its queue.
	 */
	cut(reason: Error): void {
		this.controller.error(reason);
		this.#lengths = [];
		this.#bytes = 0;
	}

	#dropReadChunks(): void {
		const queued = this.#capacity - (this.controller.desiredSize ?? 0);
		while (this.#lengths.length > Math.max(queued, 0)) this.#bytes -= this.#lengths.shift() ?? 0;
	}
}

/** Creates the error of a stream whose client does not read. */
export function stalledError(packageName: string): StreamError {
	const reason = 'the client does not read; it gets the missed events when it reconnects';
	return new StreamError(packageName, 'writing to a stream', reason);
}
