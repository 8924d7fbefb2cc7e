/** The maximum length of the frames that a request has not taken yet. */
const MAX_QUEUED_LENGTH = 1024 * 1024;

/** A frame of a stream, and its number among the stream's frames. */
export interface NumberedFrame {
	readonly number: number;
	readonly frame: string;
}

/**
 * Hands frames over to the request of a stream. Another request receives them, and must use no I/O
 * object of this one: workerd throws "Cannot perform I/O on behalf of a different request". It resolves
 * a promise that the stream's request awaits, and workerd continues that request in its own context.
 */
export class FrameHandOver {
	#frames: NumberedFrame[] = [];
	#length = 0;
	#isClosed = false;
	#hasOverflowed = false;
	#wake: (() => void) | undefined;

	/** Whether frames were dropped, because the request took none for too long. */
	get hasOverflowed(): boolean {
		return this.#hasOverflowed;
	}

	/** Queues a frame, in any request. An empty queue accepts a frame of any length. */
	push(number: number, frame: string): void {
		if (this.#isClosed || this.#hasOverflowed) return;
		if (this.#length > 0 && this.#length + frame.length > MAX_QUEUED_LENGTH) {
			this.#hasOverflowed = true;
			this.#frames = [];
		} else {
			this.#frames.push({ number, frame });
			this.#length += frame.length;
		}
		this.#wake?.();
	}

	/** Ends the queue, in any request. */
	close(): void {
		this.#isClosed = true;
		this.#frames = [];
		this.#wake?.();
	}

	/**
	 * Waits for frames, in the stream's request.
	 *
	 * @returns `undefined` after `close` or an overflow.
	 */
	async take(): Promise<readonly NumberedFrame[] | undefined> {
		if (this.#frames.length === 0 && !this.#isClosed && !this.#hasOverflowed) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#wake = resolve;
			await promise;
			this.#wake = undefined;
		}
		if (this.#isClosed || this.#hasOverflowed) return undefined;
		const frames = this.#frames;
		this.#frames = [];
		this.#length = 0;
		return frames;
	}
}
