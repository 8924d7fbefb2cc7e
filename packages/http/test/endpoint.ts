import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const ARRIVAL_MS = 5_000;
const STATELESS = '2026-07-28';
const CLIENT = { name: 'raw', version: '1.0.0' };

/** A JSON-RPC message of a test. */
export interface Message {
	readonly id?: number | string;
	readonly method?: string;
	readonly params?: Record<string, unknown>;
	readonly result?: unknown;
	readonly error?: unknown;
}

/** A JSON-RPC message of the server. */
export interface Received {
	readonly jsonrpc?: string;
	readonly id?: number | string | null;
	readonly method?: string;
	readonly params?: Record<string, unknown>;
	readonly result?: Record<string, unknown>;
	readonly error?: { readonly code: number; readonly message: string };
}

/** The headers of a request; one that is undefined is not sent. */
export type CachedHeaders = Readonly<Record<string, string | undefined>>;

/** An answer as it comes in. Its connection can be broken without a goodbye. */
export class Incoming {
	text = '';
	/** Whether all of it has come in, or its connection broke. */
	isOver = false;
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	/** Settles when the answer has ended or its connection broke. */
	readonly ended: Promise<void>;
	readonly #response: IncomingMessage;

	constructor(response: IncomingMessage) {
		this.#response = response;
		this.status = response.statusCode ?? 0;
		this.headers = response.headers;
		response.setEncoding('utf8');
		response.on('data', (chunk: string) => (this.text += chunk));
		response.on('error', () => {});
		this.ended = new Promise((resolve) =>
			response.on('close', () => {
				this.isOver = true;
				resolve();
			}),
		);
	}

	/** What came in so far, of either content type. */
	get messages(): Received[] {
		const isStream = this.headers['content-type']?.startsWith('text/event-stream');
		const texts = isStream
			? [...this.text.matchAll(/^data: (.+)\n\n/gm)].map(([, data = '']) => data)
			: [this.text].filter(Boolean);
		return texts.map((text) => JSON.parse(text) as Received); // Sound: every field is optional.
	}

	/** The response that came in; fails where there is not one alone. */
	get response(): Received {
		const [response, ...more] = this.messages.filter(({ method }) => method === undefined);
		if (!response || more.length > 0) throw new Error(`expected one response; found ${this.text}`);
		return response;
	}

	/** How often this text came in. */
	count(part: string): number {
		return this.text.split(part).length - 1;
	}

	/** Resolves once this text has come in so often. */
	async until(part: string, times = 1, withinMs: number = ARRIVAL_MS): Promise<void> {
		const deadline = AbortSignal.timeout(withinMs);
		while (this.count(part) < times) {
			if (deadline.aborted) {
				throw new Error(`expected ${times} × ${part} within ${withinMs} ms; found ${this.text}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}

	/** Resolves with the first message of this method. */
	async next(method: string): Promise<Received> {
		await this.until(`"${method}"`);
		const message = this.messages.find((received) => received.method === method);
		if (!message) throw new Error(`expected a message ${method}; found ${this.text}`);
		return message;
	}

	/** The client is gone, and nobody is told. */
	destroy(): void {
		this.#response.socket.destroy();
	}
}

/** One Worker's endpoint, as a raw client sees it. */
export class Endpoint {
	readonly #url: URL;
	readonly #headers: CachedHeaders;

	/** @param headers of every request, in the place of those that a client of the protocol sends. */
	constructor(base: URL, path = '/mcp', headers: CachedHeaders = {}) {
		this.#url = new URL(path, base);
		this.#headers = headers;
	}

	/** The same endpoint for a client that sends these headers too. */
	with(headers: CachedHeaders): Endpoint {
		return new Endpoint(this.#url, this.#url.pathname, { ...this.#headers, ...headers });
	}

	/** Sends a message; resolves as soon as the headers are there. */
	post(message: Message, session?: string): Promise<Incoming> {
		return this.send('POST', headersOf(session), JSON.stringify({ jsonrpc: '2.0', ...message }));
	}

	/** Sends a request of the stateless era. */
	postStateless(
		message: Message & { readonly method: string },
		capabilities: Record<string, unknown> = {},
	): Promise<Incoming> {
		const metadata = {
			'io.modelcontextprotocol/protocolVersion': STATELESS,
			'io.modelcontextprotocol/clientCapabilities': capabilities,
			'io.modelcontextprotocol/clientInfo': CLIENT,
		};
		const name = message.params?.['name'] ?? message.params?.['uri'];
		const headers = {
			'mcp-protocol-version': STATELESS,
			'mcp-method': message.method,
			...(typeof name === 'string' && { 'mcp-name': name }),
		};
		const params = { ...message.params, _meta: metadata };
		return this.send('POST', headers, JSON.stringify({ jsonrpc: '2.0', ...message, params }));
	}

	/** Calls a tool; resolves when the answer is complete. */
	async call(name: string, session: string, args: Record<string, unknown> = {}): Promise<string> {
		const answer = await this.startCall(name, session, args);
		await answer.ended;
		return answer.text;
	}

	/** Calls a tool; resolves as soon as the headers are there. */
	startCall(
		name: string,
		session: string,
		args: Record<string, unknown> = {},
		id: number | string = 1,
	): Promise<Incoming> {
		const params = { name, arguments: args, _meta: { progressToken: id } };
		return this.post({ id, method: 'tools/call', params }, session);
	}

	/** Opens a session and returns its id. */
	async initialize(
		capabilities: Record<string, unknown> = { elicitation: {}, sampling: {} },
	): Promise<string> {
		const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: CLIENT };
		const answer = await this.post({ id: 0, method: 'initialize', params });
		await answer.ended;
		const session = answer.headers['mcp-session-id'];
		if (typeof session !== 'string') throw new Error(`expected a session; found ${answer.text}`);
		return session;
	}

	/** Opens the session's GET stream. */
	openStream(session?: string): Promise<Incoming> {
		return this.send('GET', { accept: 'text/event-stream', ...headersOf(session) });
	}

	/** Ends the session. */
	async endSession(session?: string): Promise<Incoming> {
		const answer = await this.send('DELETE', headersOf(session));
		await answer.ended;
		return answer;
	}

	/** Sends anything; resolves as soon as the headers are there. */
	send(method: string, extra: CachedHeaders = {}, body?: string): Promise<Incoming> {
		const headers = Object.entries({
			accept: 'application/json, text/event-stream',
			...(body !== undefined && { 'content-type': 'application/json' }),
			...extra,
			...this.#headers,
		}).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
		const options = { method, headers: Object.fromEntries(headers), agent: false };
		return new Promise((resolve, reject) => {
			request(this.#url, options, (response) => resolve(new Incoming(response)))
				.on('error', reject)
				.end(body);
		});
	}
}

function headersOf(session: string | undefined): CachedHeaders {
	return session === undefined ? {} : { 'mcp-session-id': session };
}
