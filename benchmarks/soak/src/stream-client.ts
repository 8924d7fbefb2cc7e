import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import type { EventSourceParser } from 'eventsource-parser';
import { StreamLedger } from './ledger.ts';
import type { Counts, Message } from './ledger.ts';

/** The first protocol version whose streams can be resumed. */
const PROTOCOL_VERSION = '2025-11-25';
/** The delay before a client reconnects, until the server sends another. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 5_000;
const MAX_JITTER_MS = 250;
/** The time without any byte, keep-alives included, after which a client drops its connection. */
const SILENCE_MS = 10_000;
/** The time within which a resumed reader notices that the server disconnected it. */
const DISCONNECTED_MS = 3_000;

/** The environment of a client. */
export interface StreamClientOptions {
	/** Returns the URL of the next connection, of either isolate. */
	readonly endpoint: () => URL;
	readonly random: () => number;
	/** The successful connections, and the reasons of failed ones. */
	readonly connections: Counts;
}

/** A client of one stream that reconnects after every loss as the specification asks. */
export class StreamClient {
	readonly session: string;
	readonly ledger: StreamLedger = new StreamLedger();
	/** How often the server disconnected this client while it did not read. */
	disconnections = 0;
	readonly #options: StreamClientOptions;
	readonly #primed = Promise.withResolvers<void>();
	#lastEventId: string | undefined;
	#retryMs = RETRY_MS;
	#failures = 0;
	#response: IncomingMessage | undefined;
	#timer: NodeJS.Timeout | undefined;
	#isClosed = false;
	#isStalled = false;

	private constructor(session: string, options: StreamClientOptions) {
		this.session = session;
		this.#options = options;
	}

	/** Opens a session that subscribes to a resource, and its stream. Resolves after the first event id. */
	static async open(uri: string, options: StreamClientOptions): Promise<StreamClient> {
		const clientInfo = { name: 'soak', version: '1.0.0' };
		const params = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo };
		const url = options.endpoint();
		const opened = await post(url, {}, { id: 1, method: 'initialize', params });
		const client = new StreamClient(opened.headers.get('mcp-session-id') ?? '', options);
		const headers = client.#headers();
		await post(url, headers, { method: 'notifications/initialized' });
		await post(url, headers, { id: 2, method: 'resources/subscribe', params: { uri } });
		client.#connect();
		await client.#primed.promise;
		return client;
	}

	get isConnected(): boolean {
		return this.#response !== undefined;
	}

	/** Resets the connection. */
	destroy(): void {
		this.#response?.socket.resetAndDestroy();
	}

	/** Stops reading until `resume`. */
	stall(): void {
		this.#response?.pause();
		this.#isStalled = true;
	}

	resume(): void {
		this.#response?.resume();
		// The client first reads what was sent before it was disconnected.
		setTimeout(() => (this.#isStalled = false), DISCONNECTED_MS).unref();
	}

	close(): void {
		this.#isClosed = true;
		clearTimeout(this.#timer);
		this.#response?.destroy();
	}

	#headers(): Record<string, string> {
		return { 'mcp-session-id': this.session, 'mcp-protocol-version': PROTOCOL_VERSION };
	}

	/** Connects now, and again after every loss. */
	#connect(): void {
		const id = this.#lastEventId;
		const resumption = id === undefined ? {} : { 'last-event-id': id };
		const headers = { ...this.#headers(), accept: 'text/event-stream', ...resumption };
		let isLost = false;
		const lose = (reason?: string): void => {
			if (!isLost) this.#reconnect(reason);
			isLost = true;
		};
		const options = { headers, agent: false, timeout: SILENCE_MS };
		const connecting = request(this.#options.endpoint().href, options, (response) => {
			response.on('error', () => {});
			response.on('close', () => lose());
			this.#read(response);
		});
		connecting.on('timeout', () => connecting.destroy(new Error('silent')));
		connecting.on('error', (error) => lose('code' in error ? String(error.code) : error.message));
		connecting.end();
	}

	#read(response: IncomingMessage): void {
		this.#options.connections.add(`status ${response.statusCode}`);
		if (this.#isClosed || response.statusCode !== 200) {
			response.destroy();
			return;
		}
		this.#response = response;
		const parser = createMessageParser({
			onEventId: (id) => {
				this.#lastEventId = id;
				this.#failures = 0;
				this.#primed.resolve();
			},
			onGap: () => this.ledger.announceGap(),
			onMessage: (message) => this.ledger.receive(message),
			onRetry: (retryMs) => (this.#retryMs = retryMs),
		});
		response.setEncoding('utf8');
		response.on('data', (text: string) => parser.feed(text));
	}

	#reconnect(reason: string | undefined): void {
		if (this.#isStalled && this.#response) this.disconnections += 1;
		this.#isStalled = false;
		this.#response = undefined;
		if (this.#isClosed) return;
		if (reason !== undefined) this.#options.connections.add(reason);
		const waitMs = Math.min(this.#retryMs * 2 ** this.#failures, MAX_RETRY_MS);
		this.#failures += 1;
		// Never earlier than the server asked for, and not all clients at once.
		const jitterMs = this.#options.random() * MAX_JITTER_MS;
		this.#timer = setTimeout(() => this.#connect(), waitMs + jitterMs);
	}
}

/** Creates a parser of one connection. It drops an incomplete event, so its id is not remembered either. */
export function createMessageParser(on: {
	readonly onEventId: (id: string) => void;
	readonly onGap: () => void;
	readonly onMessage: (message: Message) => void;
	readonly onRetry: (retryMs: number) => void;
}): EventSourceParser {
	let isGap = false;
	return createParser({
		onComment: (comment) => void (isGap ||= comment.startsWith('gap')),
		onRetry: on.onRetry,
		onEvent({ id, data }) {
			if (id !== undefined) on.onEventId(id);
			if (isGap) on.onGap();
			isGap = false;
			if (data === '') return;
			// Safe because every field is optional and is checked.
			const { params } = JSON.parse(data) as { params?: Partial<Message> };
			if (params?.number === undefined || params.publisher === undefined) return;
			on.onMessage({ number: params.number, publisher: params.publisher });
		},
	});
}

async function post(url: URL, headers: Record<string, string>, message: object): Promise<Response> {
	const accept = 'application/json, text/event-stream';
	const response = await fetch(url, {
		method: 'POST',
		headers: { ...headers, accept, 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	});
	const body = await response.text();
	if (response.ok && !body.includes('"error"')) return response;
	throw new Error(`${JSON.stringify(message)} must succeed; got ${response.status} ${body}`);
}
