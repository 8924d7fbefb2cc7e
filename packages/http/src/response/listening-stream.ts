import { clientFrame } from './frames.ts';
import type { ClientWriter } from './client-writer.ts';
import type { Frames } from './frames.ts';

/**
 * The controller of a session's stream, for its stream manager. Frames go through the transport's stream
 * first. Once the transport's stream is empty, they go to the client's stream directly: a broadcast to many
 * streams would otherwise spend most of its time between the two.
 */
export class ListeningStream implements ReadableStreamDefaultController<Frames> {
	readonly #transport: ReadableStreamDefaultController;
	/** The `desiredSize` of the transport's empty stream. */
	readonly #capacity: number;
	#writer: ClientWriter | undefined;
	#hasEnded = false;

	/** @param transport the controller of the transport's stream, without chunks. */
	constructor(transport: ReadableStreamDefaultController) {
		this.#transport = transport;
		this.#capacity = transport.desiredSize ?? 0;
	}

	/** Whether the transport's stream holds nothing. */
	get isEmpty(): boolean {
		return this.#transport.desiredSize === this.#capacity;
	}

	get desiredSize(): number | null {
		if (!this.#writer || this.#hasEnded) return this.#transport.desiredSize;
		return this.#writer.hasLeft ? null : this.#writer.desiredSize;
	}

	/** Sends all further frames to a client. Call it while the transport's stream is empty and is read. */
	connect(writer: ClientWriter): void {
		this.#writer ??= writer;
	}

	/** @throws if the stream has ended. */
	enqueue(frames: Frames): void {
		if (!this.#writer || this.#hasEnded) this.#transport.enqueue(frames);
		else if (this.#writer.hasLeft) throw new TypeError('the client has disconnected');
		else this.#writer.write(clientFrame(frames));
	}

	close(): void {
		this.#hasEnded = true;
		this.#transport.close();
	}

	error(reason?: unknown): void {
		this.#hasEnded = true;
		this.#transport.error(reason);
	}
}
