import { sleep } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { createParser } from 'eventsource-parser';

const ARRIVAL_MS = 10_000;

/** One event of a stream. */
export interface StreamEvent {
	readonly id: string | undefined;
	readonly data: string;
	/** The last comment line before the end of the event. */
	readonly comment: string | undefined;
}

/** Opens a stream the way a transport does, and reads it for a test. */
export class OpenStream {
	/** The text that arrived so far. */
	text = '';
	/** Settles when the stream has ended. */
	readonly ended: Promise<void>;

	readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
	readonly #events: StreamEvent[] = [];
	#arrived = Promise.withResolvers<void>();

	private constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
		this.#reader = reader;
		this.ended = this.#read();
	}

	/**
	 * Opens a stream of the session. Resolves when the manager has registered it.
	 *
	 * @param lastEventId the `Last-Event-ID` header of the request.
	 * @param protocolVersion the revision that the client speaks.
	 * @param client as `RequestScope.client`.
	 */
	static async open(
		manager: StreamSessionManager,
		id: string,
		lastEventId?: string,
		protocolVersion = '2025-11-25',
		client?: string,
	): Promise<OpenStream> {
		const created = Promise.withResolvers<void>();
		const scope = { lastEventId, client, protocolVersion, waitUntil: () => {} };
		const stream = new ReadableStream<Uint8Array>({
			async start(controller) {
				const create = async (): Promise<void> => manager.create(id, controller);
				await runInScope(scope, create).then(created.resolve, created.reject);
			},
			// `HttpTransport` calls `delete` when a client disconnects and when a session ends.
			cancel: () => manager.delete(id),
		});
		const open = new OpenStream(stream.getReader());
		// A manager that rejects the stream errors it too.
		open.ended.catch(() => {});
		await created.promise;
		return open;
	}

	/** Returns the events that arrived so far. */
	get events(): readonly StreamEvent[] {
		return this.#events;
	}

	/** Returns the messages that arrived so far, without the empty event that primes a stream. */
	get messages(): readonly unknown[] {
		return this.events.filter(({ data }) => data).map(({ data }) => JSON.parse(data) as unknown);
	}

	/** Returns the `Last-Event-ID` that a reconnecting client would send. */
	get lastEventId(): string {
		return this.events.findLast(({ id }) => id !== undefined)?.id ?? '';
	}

	/** Resolves when `expected` is part of the text that arrived; rejects after ten seconds. */
	async until(expected: string): Promise<void> {
		const deadline = Date.now() + ARRIVAL_MS;
		while (!this.text.includes(expected)) {
			const left = deadline - Date.now();
			if (left <= 0) throw new Error(`expected ${expected} to arrive; found ${this.text}`);
			await Promise.race([this.#arrived.promise, sleep(left)]);
		}
	}

	/** Disconnects the client, which cancels the stream. */
	async cancel(): Promise<void> {
		await this.#reader.cancel();
	}

	async #read(): Promise<void> {
		const decoder = new TextDecoder();
		let comment: string | undefined;
		const parser = createParser({
			onComment: (text) => void (comment = text),
			onEvent: ({ id, data }) => {
				this.#events.push({ id, data, comment });
				comment = undefined;
			},
		});
		for (;;) {
			const { done, value } = await this.#reader.read();
			if (done) return;
			const text = decoder.decode(value, { stream: true });
			this.text += text;
			parser.feed(text);
			this.#arrived.resolve();
			this.#arrived = Promise.withResolvers();
		}
	}
}

/** Returns the frame of a message, as a transport passes it to a stream manager. */
export function frameOf(message: string): string {
	return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}
