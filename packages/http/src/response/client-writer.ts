import type { Frames } from './frames.ts';

/** Bytes that are buffered for a client that does not read. Beyond it, the stream is cut. */
const MAX_BUFFERED_BYTES = 1_024 * 1_024;

/** A high-water mark of one byte (of a listening stream, one frame): `pull` is called when the stream holds nothing. */
const HIGH_WATER_MARK = 1;

/** Writes frames to one client, buffering at most 1 MiB unless their source bounds them. */
export class ClientWriter {
	/** The body of the response. */
	readonly readable: ReadableStream<Frames>;
	/** Set by the constructor: a stream calls `start` at once. */
	#controller: ReadableStreamDefaultController<Frames> | undefined;
	readonly #onLeft: () => void;
	#hasLeft = false;
	/** Resolved when all frames are read, or the stream is cut: a client that stalls may never read. */
	readonly #waiting = new Set<() => void>();

	readonly #isListening: boolean;

	/**
	 * @param onLeft called once, when the client has disconnected or its stream was cut.
	 * @param isListening whether a stream manager bounds what is buffered, and counts frames.
	 */
	constructor(onLeft: () => void, isListening = false) {
		this.#onLeft = onLeft;
		this.#isListening = isListening;
		this.readable = new ReadableStream<Frames>(
			{
				start: (controller) => {
					this.#controller = controller;
				},
				// Hot path: workerd takes as long to call `pull` as to send a frame (release of 2026-11-17).
				...(!isListening && { pull: () => this.#release() }),
				cancel: () => this.#leave(),
			},
			{
				highWaterMark: HIGH_WATER_MARK,
				...(!isListening && { size: ({ byteLength }: Frames) => byteLength }),
			},
		);
	}

	/** Whether the client has disconnected or its stream was cut. */
	get hasLeft(): boolean {
		return this.#hasLeft;
	}

	/** As that of the controller. */
	get desiredSize(): number | null {
		return this.#controller?.desiredSize ?? null;
	}

	/** Whether the client has read everything that was written. */
	get isIdle(): boolean {
		return this.#buffered === 0;
	}

	/** Settles when the client has read everything, or has left; at once if it listens. Never rejects. */
	get drained(): Promise<void> {
		if (this.#hasLeft || this.isIdle || this.#isListening) return Promise.resolve();
		return new Promise((resolve) => this.#waiting.add(resolve));
	}

	/** Writes without waiting. Cuts the stream if more than 1 MiB would be buffered. */
	write(frames: Frames): void {
		if (this.#hasLeft) return;
		const buffered = this.#isListening ? 0 : this.#buffered;
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

	/** Bytes or, of a listening stream, frames. */
	get #buffered(): number {
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
