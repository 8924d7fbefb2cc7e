import type { StreamSessionManager } from '@tmcp/session-manager';

const ARRIVAL_MS = 5_000;

/** A stream as a transport opens it, and its client as a test needs it. */
export class OpenStream {
	/** What arrived so far. */
	text = '';
	/** Settles when the stream has ended. */
	readonly ended: Promise<void>;

	readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
	#arrived = Promise.withResolvers<void>();

	private constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
		this.#reader = reader;
		this.ended = this.#read();
	}

	/** Opens a stream of the session; it is registered when this has resolved. */
	static async open(manager: StreamSessionManager, id: string): Promise<OpenStream> {
		const created = Promise.withResolvers<void>();
		const stream = new ReadableStream<Uint8Array>({
			async start(controller) {
				await Promise.resolve(manager.create(id, controller)).then(created.resolve, created.reject);
			},
			// As the HTTP transport does it: the same call that ends a session.
			cancel: () => manager.delete(id),
		});
		const open = new OpenStream(stream.getReader());
		await created.promise;
		return open;
	}

	/** Resolves once this text has arrived. Rejects where it does not within five seconds. */
	async until(expected: string): Promise<void> {
		const deadline = Date.now() + ARRIVAL_MS;
		while (!this.text.includes(expected)) {
			const left = deadline - Date.now();
			if (left <= 0) throw new Error(`expected ${expected} to arrive; found ${this.text}`);
			await Promise.race([this.#arrived.promise, afterMs(left)]);
		}
	}

	/** The client goes away, and the platform says so. */
	async cancel(): Promise<void> {
		await this.#reader.cancel();
	}

	async #read(): Promise<void> {
		const decoder = new TextDecoder();
		for (;;) {
			const { done, value } = await this.#reader.read();
			if (done) return;
			this.text += decoder.decode(value, { stream: true });
			this.#arrived.resolve();
			this.#arrived = Promise.withResolvers();
		}
	}
}

/** The frame of a message, as the transport hands it to a stream manager. */
export function frameOf(message: string): string {
	return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Resolves after this time. */
export function afterMs(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
