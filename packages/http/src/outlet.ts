import type { Frames } from './live-response.ts';

/** What waits for a client that does not read, at most: then it is cut, to resume from the log. */
const MAX_WAITING_BYTES = 1_024 * 1_024;

/** What goes to a client: never more than a bounded heap. */
export class Outlet {
	readonly #writer: WritableStreamDefaultWriter<Frames>;
	readonly #onLeft: () => void;
	#waitingBytes = 0;
	#lastWrite: Promise<void> = Promise.resolve();
	#hasLeft = false;
	/** Who waits for a write: one to a client that stalls may never settle, also when it was cut. */
	readonly #waiting = new Set<() => void>();

	/** @param onLeft told once, when the client has left or was cut. */
	constructor(writer: WritableStreamDefaultWriter<Frames>, onLeft: () => void) {
		this.#writer = writer;
		this.#onLeft = onLeft;
		writer.closed.catch(() => this.#leave());
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
		if (this.#hasLeft) return Promise.resolve();
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#waiting.add(resolve);
		const taken = this.#lastWrite.then(() => void this.#waiting.delete(resolve));
		return Promise.race([taken, promise]);
	}

	/** Writes without waiting; where too much waits already, the client is cut. */
	write(frames: Frames): void {
		if (this.#hasLeft) return;
		this.#waitingBytes += frames.byteLength;
		if (this.#waitingBytes > MAX_WAITING_BYTES && this.#waitingBytes > frames.byteLength) {
			this.cut();
			return;
		}
		this.#lastWrite = this.#writer.write(frames).then(
			() => void (this.#waitingBytes -= frames.byteLength),
			() => this.#leave(),
		);
	}

	/** Lets go of a client that does not read, and of what waits for it. */
	cut(): void {
		if (this.#hasLeft) return;
		this.#leave();
		this.#writer.abort(new Error('the client does not read')).catch(() => {});
	}

	/** Ends the stream once all has been taken. */
	async close(): Promise<void> {
		await this.taken;
		if (this.#hasLeft) return;
		await this.#writer.close().catch(() => this.#leave());
	}

	#leave(): void {
		if (this.#hasLeft) return;
		this.#hasLeft = true;
		for (const resolve of this.#waiting) resolve();
		this.#onLeft();
	}
}
