import { createParser } from 'eventsource-parser';

/** A JSON-RPC message as a server has sent it. */
export type Message = Readonly<Record<string, unknown>>;

/** Why waiting for a message ended. */
export type Arrival = { readonly message: Message } | { readonly reason: 'timeout' | 'ended' };

/** The most text that is read from one stream, so that no server can fill the memory of a probe. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Reads the messages of a response of type `text/event-stream`. */
export class EventStream {
	/** The messages that arrived so far. */
	readonly messages: Message[] = [];
	/** Resolves when the server has closed the stream or the connection was lost. */
	readonly ended: Promise<void>;
	#arrived = Promise.withResolvers<void>();
	#hasEnded = false;
	readonly #stop: AbortController;

	/** @param stop aborts the request of the response. */
	constructor(body: ReadableStream<Uint8Array> | null, stop: AbortController) {
		this.#stop = stop;
		this.ended = this.#read(body).then(
			() => this.#end(),
			() => this.#end(), // The connection was lost, or `close` has ended it.
		);
	}

	get hasEnded(): boolean {
		return this.#hasEnded;
	}

	/** Waits for a message that fulfils a condition, also among those that arrived before. */
	async waitFor(matches: (message: Message) => boolean, timeoutMs: number): Promise<Arrival> {
		const timeout = AbortSignal.timeout(timeoutMs);
		const timedOut = new Promise<void>((resolve) => {
			timeout.addEventListener('abort', () => resolve(), { once: true });
		});
		for (;;) {
			const message = this.messages.find(matches);
			if (message) return { message };
			if (this.#hasEnded) return { reason: 'ended' };
			if (timeout.aborted) return { reason: 'timeout' };
			await Promise.race([this.#arrived.promise, timedOut]);
		}
	}

	/** Waits while the stream stays open. Resolves with how long it did, up to the given time. */
	async stayOpen(durationMs: number): Promise<number> {
		const startMs = performance.now();
		await this.waitFor(() => false, durationMs);
		return this.#hasEnded ? performance.now() - startMs : durationMs;
	}

	/** Closes the connection. */
	close(): void {
		this.#stop.abort();
	}

	async #read(body: ReadableStream<Uint8Array> | null): Promise<void> {
		if (!body) return;
		const decoder = new TextDecoder();
		const parser = createParser({ onEvent: ({ data }) => this.#receive(data) });
		let bytes = 0;
		const reader = body.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			bytes += value.byteLength;
			if (bytes > MAX_BYTES) return this.close();
			parser.feed(decoder.decode(value, { stream: true }));
		}
	}

	#receive(data: string): void {
		const parsed = parseMessages(data);
		this.messages.push(...parsed);
		if (parsed.length > 0) this.#wake();
	}

	#end(): void {
		this.#hasEnded = true;
		this.#wake();
	}

	#wake(): void {
		this.#arrived.resolve();
		this.#arrived = Promise.withResolvers();
	}
}

/** Returns the JSON-RPC messages of a text, or none: one message, or a batch of several. */
export function parseMessages(text: string): Message[] {
	try {
		const value: unknown = JSON.parse(text);
		return [value].flat().filter(isMessage);
	} catch {
		return [];
	}
}

function isMessage(value: unknown): value is Message {
	return typeof value === 'object' && value !== null && Reflect.get(value, 'jsonrpc') === '2.0';
}

/** Returns a member of a message that is an object, or an empty one. */
export function objectOf(value: unknown, key: string): Readonly<Record<string, unknown>> {
	const found: unknown =
		typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
	// Safe because an object may have any members.
	return typeof found === 'object' && found !== null
		? (found as Readonly<Record<string, unknown>>)
		: {};
}
