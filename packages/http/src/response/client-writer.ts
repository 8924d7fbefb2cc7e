import type { Frames } from './sse.ts';

/** What waits for a client that does not read, at most: then it is cut, to resume from the log. */
const MAX_WAITING_BYTES = 1_024 * 1_024;

/** A stream with a byte of room is asked for more when it holds nothing. */
const ROOM = 1;

/** What goes to a client: never more than a bounded heap. */
export class ClientWriter {
	/** The body of the response. */
	readonly readable: ReadableStream<Frames>;
	readonly #controller: ReadableStreamDefaultController<Frames>;
	readonly #onLeft: () => void;
	#hasLeft = false;
	/** Who waits until all is taken: a client that stalls may never take it, also when it was cut. */
	readonly #waiting = new Set<() => void>();

	/** @param onLeft told once, when the client has left or was cut. */
	constructor(onLeft: () => void) {
		this.#onLeft = onLeft;
		let controller: ReadableStreamDefaultController<Frames> | undefined;
		this.readable = new ReadableStream<Frames>(
			{
				start(own) {
					controller = own;
				},
				// Asked for more: all that there was has been taken.
				pull: () => this.#release(),
				cancel: () => this.#leave(),
			},
			{ highWaterMark: ROOM, size: ({ byteLength }) => byteLength },
		);
		if (!controller) throw new TypeError('a ReadableStream starts when it is made');
		this.#controller = controller;
	}

	/** Whether the client is gone. */
	get hasLeft(): boolean {
		return this.#hasLeft;
	}

	/** Whether everything that was written has been taken. */
	get isIdle(): boolean {
		return this.#waitingBytes === 0;
	}

	/** Settles when all that was written has been taken, or its client is gone. Never rejects. */
	get taken(): Promise<void> {
		if (this.#hasLeft || this.isIdle) return Promise.resolve();
		return new Promise((resolve) => this.#waiting.add(resolve));
	}

	/** Writes without waiting; where too much waits already, the client is cut. */
	write(frames: Frames): void {
		if (this.#hasLeft) return;
		const waiting = this.#waitingBytes;
		if (waiting > 0 && waiting + frames.byteLength > MAX_WAITING_BYTES) this.cut();
		else this.#controller.enqueue(frames);
	}

	/** Lets go of a client that does not read, and of what waits for it. */
	cut(): void {
		if (this.#hasLeft) return;
		this.#leave();
		this.#controller.error(new Error('the client does not read'));
	}

	/** Ends the stream once all has been taken. */
	async close(): Promise<void> {
		await this.taken;
		if (!this.#hasLeft) this.#controller.close();
	}

	get #waitingBytes(): number {
		// Zero where the stream has ended.
		return ROOM - (this.#controller.desiredSize ?? ROOM);
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
