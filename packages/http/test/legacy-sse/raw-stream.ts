import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const ARRIVAL_MS = 5_000;

/** An SSE connection as it comes in, whose client can vanish without a goodbye. */
export class RawStream {
	text = '';
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	/** Settles when the stream has ended or its connection broke. */
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

	/** Opens it; resolves as soon as the headers are there. */
	static open(url: URL, headers: Record<string, string> = {}): Promise<RawStream> {
		return new Promise((resolve, reject) => {
			request(url, { headers: { accept: 'text/event-stream', ...headers } }, (response) =>
				resolve(new RawStream(response)),
			)
				.on('error', reject)
				.end();
		});
	}

	/** Opens it, and waits for where messages go. */
	static async session(url: URL, headers: Record<string, string> = {}): Promise<RawStream> {
		const stream = await RawStream.open(url, headers);
		await stream.until('event: endpoint\n');
		await stream.until('\n\n');
		return stream;
	}

	/** Where messages go, as the first event says: without an origin. */
	get endpoint(): string {
		const [, endpoint] = /^event: endpoint\ndata: (.*)\n\n/.exec(this.text) ?? [];
		if (endpoint === undefined) throw new Error(`expected the endpoint first; found ${this.text}`);
		return endpoint;
	}

	/** The JSON-RPC messages so far. */
	get messages(): Received[] {
		// Sound: every field is optional.
		return [...this.text.matchAll(/^data: (\{.*\})\n\n/gm)].map(
			([, data = '']) => JSON.parse(data) as Received,
		);
	}

	/** Resolves once this text has come in so often. */
	async until(part: string, times = 1, withinMs: number = ARRIVAL_MS): Promise<void> {
		const deadline = Date.now() + withinMs;
		while (this.text.split(part).length - 1 < times) {
			if (Date.now() > deadline) throw new Error(`expected ${times} × ${part}; found ${this.text}`);
			await pause(5);
		}
	}

	/** The response to the request of this id. */
	async response(id: number): Promise<Received> {
		const deadline = Date.now() + ARRIVAL_MS;
		for (;;) {
			const found = this.messages.find((each) => each.id === id && each.method === undefined);
			if (found) return found;
			if (Date.now() > deadline) throw new Error(`expected an answer ${id}; found ${this.text}`);
			await pause(5);
		}
	}

	/** The client stops reading. */
	stall(): void {
		this.#response.socket.pause();
	}

	/** The client is gone, and nobody is told. */
	destroy(): void {
		this.#response.socket.destroy();
	}
}

/** A JSON-RPC message of the server. */
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
