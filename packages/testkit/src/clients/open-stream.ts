import { runInScope } from '@tmcp-sessions/core/backend';
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

	/**
	 * Opens a stream of the session; it is registered when this has resolved.
	 *
	 * @param lastEventId of the stream that it resumes, as its request would say.
	 */
	static async open(
		manager: StreamSessionManager,
		id: string,
		lastEventId?: string,
	): Promise<OpenStream> {
		const created = Promise.withResolvers<void>();
		const scope = { lastEventId, waitUntil: () => {} };
		const stream = new ReadableStream<Uint8Array>({
			async start(controller) {
				const create = async (): Promise<void> => manager.create(id, controller);
				await runInScope(scope, create).then(created.resolve, created.reject);
			},
			// As the HTTP transport does it: the same call that ends a session.
			cancel: () => manager.delete(id),
		});
		const open = new OpenStream(stream.getReader());
		await created.promise;
		return open;
	}

	/** What arrived so far, event by event. */
	get events(): readonly StreamEvent[] {
		return this.text.split('\n\n').slice(0, -1).map(eventOf);
	}

	/** The messages that arrived so far, without what a stream begins with. */
	get messages(): readonly unknown[] {
		return this.events.filter(({ data }) => data).map(({ data }) => JSON.parse(data) as unknown);
	}

	/** What a client that comes back says that it saw last. */
	get lastEventId(): string {
		return this.events.findLast(({ id }) => id !== undefined)?.id ?? '';
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

/** An event as a client reads it. */
export interface StreamEvent {
	readonly id: string | undefined;
	readonly data: string;
	readonly comment: string | undefined;
}

function eventOf(frame: string): StreamEvent {
	const field = (name: string): string | undefined =>
		new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
	return { id: field('id'), data: field('data') ?? '', comment: field('') };
}

/** The frame of a message, as the transport hands it to a stream manager. */
export function frameOf(message: string): string {
	return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Resolves after this time. */
export function afterMs(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
