import type { PlaceSignal } from './shared-group.ts';

/** The maximum length of the frames that a request has not taken yet. */
const MAX_QUEUED_LENGTH = 1024 * 1024;

/** After this time a request that takes no frames is considered dead. A busy isolate may take some seconds. */
const STUCK_MS = 5_000;

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
	#signal: PlaceSignal | undefined;
	#waitingSinceMs = 0;

	/** Whether the request has not taken the first frame for too long. */
	get isStuck(): boolean {
		return this.#frames.length > 0 && this.#waitingSinceMs < Date.now() - STUCK_MS;
	}

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
			if (this.#frames.length === 0) this.#waitingSinceMs = Date.now();
			this.#frames.push({ number, frame });
			this.#length += frame.length;
		}
		this.#wakeRequest();
	}

	/** Sets what the stream has to do, in any request. The end of the stream is final, and a check is least. */
	signal(signal: PlaceSignal): void {
		const isLess = signal === 'check' || typeof this.#signal === 'number';
		if (this.#signal === undefined || !isLess) this.#signal = signal;
		this.#wakeRequest();
	}

	/** Returns what the stream has to do, once. */
	takeSignal(): PlaceSignal | undefined {
		const signal = this.#signal;
		this.#signal = undefined;
		return signal;
	}

	/** Ends the queue, in any request. */
	close(): void {
		this.#isClosed = true;
		this.#frames = [];
		this.#wakeRequest();
	}

	/** Waits for frames or a signal, in the stream's request. @returns false after `close` or an overflow. */
	async wait(): Promise<boolean> {
		const isEmpty = this.#frames.length === 0 && this.#signal === undefined;
		if (isEmpty && !this.#isClosed && !this.#hasOverflowed) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#wake = resolve;
			await promise;
		}
		return !this.#isClosed && !this.#hasOverflowed;
	}

	/** Returns the frames that were pushed, once. */
	take(): readonly NumberedFrame[] {
		const frames = this.#frames;
		this.#frames = [];
		this.#length = 0;
		return frames;
	}

	/** Wakes the request once: workerd warns of each wake of a request that has ended. */
	#wakeRequest(): void {
		this.#wake?.();
		this.#wake = undefined;
	}
}
