import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const ARRIVAL_MS = 5_000;

/** Receives an SSE stream incrementally, and can reset its connection. */
export class RawStream {
	text = '';
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	/** Resolves when the stream has ended or its connection was reset. */
	readonly ended: Promise<void>;
	readonly #response: IncomingMessage;

	private constructor(response: IncomingMessage) {
		this.#response = response;
		this.status = response.statusCode ?? 0;
		this.headers = response.headers;
		response.setEncoding('utf8');
		response.on('data', (chunk: string) => (this.text += chunk));
		response.on('error', () => {});
		this.ended = new Promise((resolve) => response.on('close', resolve));
	}

	/** Opens a stream; resolves when the response headers arrive. */
	static open(url: URL, headers: Record<string, string> = {}): Promise<RawStream> {
		return new Promise((resolve, reject) => {
			request(url, { headers: { accept: 'text/event-stream', ...headers } }, (response) =>
				resolve(new RawStream(response)),
			)
				.on('error', reject)
				.end();
		});
	}

	/** Opens a stream and waits for its endpoint event. */
	static async session(url: URL, headers: Record<string, string> = {}): Promise<RawStream> {
		const stream = await RawStream.open(url, headers);
		await stream.waitFor('event: endpoint\n');
		await stream.waitFor('\n\n');
		return stream;
	}

	/** The path of the endpoint event; throws if that is not the first event. */
	get endpoint(): string {
		const [, endpoint] = /^event: endpoint\ndata: (.*)\n\n/.exec(this.text) ?? [];
		if (endpoint === undefined) throw new Error(`expected the endpoint first; found ${this.text}`);
		return endpoint;
	}

	/** The JSON-RPC messages received so far. */
	get messages(): Received[] {
		// Safe because every field of `Received` is optional.
		return [...this.text.matchAll(/^data: (\{.*\})\n\n/gm)].map(
			([, data = '']) => JSON.parse(data) as Received,
		);
	}

	/** Resolves when this text has arrived this many times. */
	async waitFor(part: string, times = 1, withinMs: number = ARRIVAL_MS): Promise<void> {
		const deadline = Date.now() + withinMs;
		while (this.text.split(part).length - 1 < times) {
			if (Date.now() > deadline) throw new Error(`expected ${times} × ${part}; found ${this.text}`);
			await pause(5);
		}
	}

	/** Resolves with the response to the request with this id. */
	async response(id: number): Promise<Received> {
		const deadline = Date.now() + ARRIVAL_MS;
		for (;;) {
			const found = this.messages.find(
				(message) => message.id === id && message.method === undefined,
			);
			if (found) return found;
			if (Date.now() > deadline)
				throw new Error(`expected a response to ${id}; found ${this.text}`);
			await pause(5);
		}
	}

	/** Resets the connection, without closing it first. */
	destroy(): void {
		this.#response.socket.destroy();
	}
}

/** A JSON-RPC message that the server sent. */
export interface Received {
	readonly id?: number | string | null;
	readonly method?: string;
	readonly params?: Record<string, unknown>;
	readonly result?: Record<string, unknown>;
	readonly error?: { readonly code: number; readonly message: string };
}

/** Resolves after this time. */
export function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
