import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { increment } from './counts.ts';
import type { Counts } from './counts.ts';
import { createEventParser } from './event-parser.ts';
import type { StreamEvent } from './event-parser.ts';
import { StreamLedger } from './ledger.ts';
import type { Message } from './ledger.ts';
import type { Random } from './random.ts';
import { PROTOCOL_VERSION } from './session.ts';

/** The delay before a client reconnects, until the server sends another. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 5_000;
/** The time without any byte, keep-alives included, after which a client drops its connection. */
const SILENCE_MS = 10_000;
/** The time within which a resumed reader notices that the server disconnected it. */
const DISCONNECTED_MS = 3_000;

/** The options of a client. */
export interface StreamClientOptions {
	readonly session: string;
	/** Returns the URL of the next connection, of either isolate. */
	readonly url: () => URL;
	readonly random: Random;
}

/** A client of one stream that reconnects after every loss as the specification asks. */
export class StreamClient {
	readonly session: string;
	readonly ledger: StreamLedger = new StreamLedger();
	/** Settles when the first event with an id has arrived. */
	readonly primed: Promise<void>;
	connections = 0;
	/** The reasons of failed connections. */
	readonly rejections: Counts = new Map();
	/** How often the server disconnected this client while it did not read. */
	disconnections = 0;
	readonly #options: StreamClientOptions;
	readonly #setPrimed: () => void;
	#lastEventId: string | undefined;
	#retryMs = RETRY_MS;
	#failures = 0;
	#response: IncomingMessage | undefined;
	#timer: NodeJS.Timeout | undefined;
	#isClosed = false;
	#isStalled = false;

	constructor(options: StreamClientOptions) {
		this.session = options.session;
		this.#options = options;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.primed = promise;
		this.#setPrimed = resolve;
	}

	/** Connects now, and again after every loss. */
	connect(): void {
		const headers = {
			accept: 'text/event-stream',
			'mcp-session-id': this.session,
			'mcp-protocol-version': PROTOCOL_VERSION,
			...(this.#lastEventId !== undefined && { 'last-event-id': this.#lastEventId }),
		};
		let isLost = false;
		const lose = (reason?: string): void => {
			if (!isLost) this.#reconnect(reason);
			isLost = true;
		};
		const { href } = this.#options.url();
		const options = { headers, agent: false, timeout: SILENCE_MS };
		const connecting = request(href, options, (response) => {
			response.on('error', () => {});
			response.on('close', () => lose());
			this.#read(response);
		});
		connecting.on('timeout', () => connecting.destroy(new Error('silent')));
		connecting.on('error', (error) => lose('code' in error ? String(error.code) : error.message));
		connecting.end();
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

	#read(response: IncomingMessage): void {
		if (this.#isClosed || response.statusCode !== 200) {
			increment(this.rejections, `status ${response.statusCode}`);
			response.destroy();
			return;
		}
		this.connections += 1;
		this.#response = response;
		const parser = createEventParser(
			(event) => this.#receive(event),
			(retryMs) => (this.#retryMs = retryMs),
		);
		response.setEncoding('utf8');
		response.on('data', (text: string) => parser.feed(text));
	}

	#receive({ id, data, comments }: StreamEvent): void {
		if (id !== undefined) {
			this.#lastEventId = id;
			this.#failures = 0;
			this.#setPrimed();
		}
		if (comments.some((comment) => comment.startsWith('gap'))) this.ledger.announceGap();
		const message = data === '' ? undefined : messageOf(data);
		if (message) this.ledger.receive(message);
	}

	#reconnect(reason: string | undefined): void {
		if (this.#isStalled && this.#response) this.disconnections += 1;
		this.#isStalled = false;
		this.#response = undefined;
		if (this.#isClosed) return;
		if (reason !== undefined) increment(this.rejections, reason);
		const waitMs = Math.min(this.#retryMs * 2 ** this.#failures, MAX_RETRY_MS);
		this.#failures += 1;
		// Never earlier than the server asked for, and not all clients at once.
		const jitterMs = this.#options.random() * 250;
		this.#timer = setTimeout(() => this.connect(), waitMs + jitterMs);
	}
}

function messageOf(data: string): Message | undefined {
	// Safe because every field is optional and is checked.
	const { params } = JSON.parse(data) as { params?: { number?: unknown; publisher?: unknown } };
	if (typeof params?.number !== 'number' || typeof params.publisher !== 'string') return undefined;
	return { number: params.number, publisher: params.publisher };
}
