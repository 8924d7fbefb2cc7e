import type { Frames } from './frames.ts';

/** Bytes that are buffered for a client that does not read. Beyond it, the stream is cut. */
const MAX_BUFFERED_BYTES = 1_024 * 1_024;

/** A high-water mark of one byte: `pull` is called when the stream holds nothing. */
const HIGH_WATER_MARK = 1;

/** Writes frames to one client, buffering at most 1 MiB. */
export class ClientWriter {
	/** The body of the response. */
	readonly readable: ReadableStream<Frames>;
	/** Set by the constructor: a stream calls `start` at once. */
	#controller: ReadableStreamDefaultController<Frames> | undefined;
	readonly #onLeft: () => void;
	#hasLeft = false;
	/** Resolved when all frames are read, or the stream is cut: a client that stalls may never read. */
	readonly #waiting = new Set<() => void>();

	/** @param onLeft called once, when the client has disconnected or its stream was cut. */
	constructor(onLeft: () => void) {
		this.#onLeft = onLeft;
		this.readable = new ReadableStream<Frames>(
			{
				start: (controller) => {
					this.#controller = controller;
				},
				pull: () => this.#release(),
				cancel: () => this.#leave(),
			},
			{ highWaterMark: HIGH_WATER_MARK, size: ({ byteLength }) => byteLength },
		);
	}

	/** Whether the client has disconnected or its stream was cut. */
	get hasLeft(): boolean {
		return this.#hasLeft;
	}

	/** Whether the client has read everything that was written. */
	get isIdle(): boolean {
		return this.#bufferedBytes === 0;
	}

	/** Settles when the client has read everything, or has left. Never rejects. */
	get drained(): Promise<void> {
		if (this.#hasLeft || this.isIdle) return Promise.resolve();
		return new Promise((resolve) => this.#waiting.add(resolve));
	}

	/** Writes without waiting. Cuts the stream if more than 1 MiB would be buffered. */
	write(frames: Frames): void {
		if (this.#hasLeft) return;
		const buffered = this.#bufferedBytes;
		if (buffered > 0 && buffered + frames.byteLength > MAX_BUFFERED_BYTES) this.cut();
		else this.#controller?.enqueue(frames);
	}

	/** Errors the stream of a client that does not read, and drops its frames. */
	cut(): void {
		if (this.#hasLeft) return;
		this.#leave();
		this.#controller?.error(new Error('the client does not read'));
	}

	/** Closes the stream after the client has read everything. */
	async close(): Promise<void> {
		await this.drained;
		if (!this.#hasLeft) this.#controller?.close();
	}

	get #bufferedBytes(): number {
		// Zero if the stream has ended.
		return HIGH_WATER_MARK - (this.#controller?.desiredSize ?? HIGH_WATER_MARK);
	}

	#leave(): void {
		if (this.#hasLeft) return;
		this.#hasLeft = true;
		this.#release();
		this.#onLeft();
	}

	#release(): void {
		for (const resolve of this.#waiting) resolve();
		this.#waiting.clear();
	}
}
