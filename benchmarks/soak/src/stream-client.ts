import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { createEventParser } from './event-parser.ts';
import type { StreamEvent } from './event-parser.ts';
import { StreamLedger } from './ledger.ts';
import type { Message } from './ledger.ts';
import type { Random } from './random.ts';
import { REVISION } from './session.ts';

/** Until the server says otherwise. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 5_000;
/** Without a byte for so long, heartbeats included, a client takes its connection for dead. */
const SILENCE_MS = 10_000;
/** After it has begun to read again a client finds out within this time that it was cut. */
const CUT_MS = 3_000;

/** What a client needs of its surroundings. */
export interface StreamClientOptions {
	readonly session: string;
	/** Where to connect this time: to either isolate. */
	readonly url: () => URL;
	readonly random: Random;
}

/**
 * A client of one stream that behaves as it should: after every loss it waits as long as the server
 * asked for, and comes back with the id of the last event that it has seen.
 */
export class StreamClient {
	readonly session: string;
	readonly ledger: StreamLedger = new StreamLedger();
	/** Settles when the stream was open for the first time. */
	readonly primed: Promise<void>;
	/** How often it connected, and what it was answered instead of a stream, with how often. */
	connections = 0;
	readonly refusals = new Map<string, number>();
	/** How often the server cut it while it did not read. */
	cuts = 0;
	readonly #options: StreamClientOptions;
	readonly #setPrimed: () => void;
	#lastEventId: string | undefined;
	#retryMs = RETRY_MS;
	#failures = 0;
	#response: IncomingMessage | undefined;
	#timer: NodeJS.Timeout | undefined;
	#hasLeft = false;
	#isStalled = false;

	constructor(options: StreamClientOptions) {
		this.session = options.session;
		this.#options = options;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.primed = promise;
		this.#setPrimed = resolve;
	}

	/** Connects, now and after every loss. */
	connect(): void {
		const headers = {
			accept: 'text/event-stream',
			'mcp-session-id': this.session,
			'mcp-protocol-version': REVISION,
			...(this.#lastEventId !== undefined && { 'last-event-id': this.#lastEventId }),
		};
		const url = this.#options.url();
		let isLost = false;
		const lose = (reason?: string): void => {
			if (isLost) return;
			isLost = true;
			this.#lose(reason);
		};
		const asking = request(url.href, { headers, agent: false, timeout: SILENCE_MS }, (response) => {
			response.on('error', () => {});
			response.on('close', () => lose(response.statusCode === 200 ? undefined : 'refused'));
			this.#listen(response);
		});
		asking.on('timeout', () => asking.destroy(new Error('silent')));
		asking.on('error', (error) => lose('code' in error ? String(error.code) : error.message));
		asking.end();
	}

	get isConnected(): boolean {
		return this.#response !== undefined;
	}

	/** The connection breaks without a goodbye. */
	destroy(): void {
		this.#response?.socket.resetAndDestroy();
	}

	/** Reads nothing until `resume`. */
	stall(): void {
		this.#response?.pause();
		this.#isStalled = true;
	}

	resume(): void {
		this.#response?.resume();
		// What was sent before the connection was cut is read first.
		setTimeout(() => (this.#isStalled = false), CUT_MS).unref();
	}

	leave(): void {
		this.#hasLeft = true;
		clearTimeout(this.#timer);
		this.#response?.destroy();
	}

	#listen(response: IncomingMessage): void {
		if (this.#hasLeft || response.statusCode !== 200) {
			this.#refuse(`status ${response.statusCode}`);
			response.destroy();
			return;
		}
		this.connections += 1;
		this.#response = response;
		const parser = createEventParser(
			(event) => this.#take(event),
			(retryMs) => (this.#retryMs = retryMs),
		);
		response.setEncoding('utf8');
		response.on('data', (text: string) => parser.feed(text));
	}

	#take({ id, data, comments }: StreamEvent): void {
		if (id !== undefined) {
			this.#lastEventId = id;
			this.#failures = 0;
			this.#setPrimed();
		}
		if (comments.some((comment) => comment.startsWith('gap'))) this.ledger.announceGap();
		const message = data === '' ? undefined : messageOf(data);
		if (message) this.ledger.receive(message);
	}

	#lose(reason: string | undefined): void {
		if (this.#isStalled && this.#response) this.cuts += 1;
		this.#isStalled = false;
		this.#response = undefined;
		if (this.#hasLeft) return;
		if (reason !== undefined && reason !== 'refused') this.#refuse(reason);
		const wait = Math.min(this.#retryMs * 2 ** this.#failures, MAX_RETRY_MS);
		this.#failures += 1;
		// Never earlier than the server asked for, and not all at once.
		const jitter = this.#options.random() * 250;
		this.#timer = setTimeout(() => this.connect(), wait + jitter);
	}

	#refuse(reason: string): void {
		this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
	}
}

function messageOf(data: string): Message | undefined {
	// Sound: every field is optional, and is looked at.
	const { params } = JSON.parse(data) as { params?: { number?: unknown; publisher?: unknown } };
	if (typeof params?.number !== 'number' || typeof params.publisher !== 'string') return undefined;
	return { number: params.number, publisher: params.publisher };
}
