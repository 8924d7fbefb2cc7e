import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const ARRIVAL_MS = 5_000;
const STATELESS = '2026-07-28';
const CLIENT = { name: 'raw', version: '1.0.0' };

/** A JSON-RPC message that a test sends. */
export interface Message {
	readonly id?: number | string;
	readonly method?: string;
	readonly params?: Record<string, unknown>;
	readonly result?: unknown;
	readonly error?: unknown;
}

/** A JSON-RPC message that the server sent. */
export interface Received {
	readonly jsonrpc?: string;
	readonly id?: number | string | null;
	readonly method?: string;
	readonly params?: Record<string, unknown>;
	readonly result?: Record<string, unknown>;
	readonly error?: { readonly code: number; readonly message: string };
}

/** The headers of a request; undefined values are not sent. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** Receives an HTTP response incrementally, and can reset its connection. */
export class IncomingResponse {
	text = '';
	/** Whether the response is complete or its connection was reset. */
	hasEnded = false;
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	/** Resolves when the response is complete or its connection was reset. */
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
				this.hasEnded = true;
				resolve();
			}),
		);
	}

	/** The JSON-RPC messages received so far, from a stream or a JSON body. */
	get messages(): Received[] {
		const isStream = this.headers['content-type']?.startsWith('text/event-stream');
		const texts = isStream
			? [...this.text.matchAll(/^data: (.+)\n\n/gm)].map(([, data = '']) => data)
			: [this.text];
		// Safe because every field of `Received` is optional.
		return texts.filter(Boolean).map((text) => JSON.parse(text) as Received);
	}

	/** The JSON-RPC response; throws unless exactly one was received. */
	get rpcResponse(): Received {
		const [response, ...more] = this.messages.filter(({ method }) => method === undefined);
		if (!response || more.length > 0) throw new Error(`expected one response; found ${this.text}`);
		return response;
	}

	/** Returns how often the response contains this text. */
	count(part: string): number {
		return this.text.split(part).length - 1;
	}

	/** Resolves when the response contains this text that many times. */
	async waitFor(part: string, times = 1, withinMs: number = ARRIVAL_MS): Promise<void> {
		const deadline = AbortSignal.timeout(withinMs);
		while (this.count(part) < times) {
			if (deadline.aborted) {
				throw new Error(`expected ${times} × ${part} within ${withinMs} ms; found ${this.text}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}

	/** Resolves with the first message with this method. */
	async waitForMessage(method: string): Promise<Received> {
		await this.waitFor(`"${method}"`);
		const message = this.messages.find((received) => received.method === method);
		if (!message) throw new Error(`expected a message ${method}; found ${this.text}`);
		return message;
	}

	/** Resets the connection, without closing it first. */
	destroy(): void {
		this.#response.socket.destroy();
	}
}

/** Sends raw requests to the MCP endpoint of one Worker. */
export class Endpoint {
	readonly url: URL;
	readonly #headers: RequestHeaders;

	/** @param headers sent with every request; they override the headers of the protocol. */
	constructor(base: URL, path = '/mcp', headers: RequestHeaders = {}) {
		this.url = new URL(path, base);
		this.#headers = headers;
	}

	/** Returns the same endpoint for a client that also sends these headers. */
	with(headers: RequestHeaders): Endpoint {
		return new Endpoint(this.url, this.url.pathname, { ...this.#headers, ...headers });
	}

	/** Sends a message; resolves when the response headers arrive. */
	post(message: Message, session?: string): Promise<IncomingResponse> {
		return this.send(
			'POST',
			sessionHeaders(session),
			JSON.stringify({ jsonrpc: '2.0', ...message }),
		);
	}

	/**
	 * Sends a stateless request.
	 *
	 * @param encode compresses the body.
	 */
	postStateless(
		message: Message & { readonly method: string },
		capabilities: Record<string, unknown> = {},
		encode: (text: string) => string | Uint8Array = (text) => text,
	): Promise<IncomingResponse> {
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
		const body = encode(JSON.stringify({ jsonrpc: '2.0', ...message, params }));
		return this.send('POST', headers, body);
	}

	/** Calls a tool; resolves when the response is complete. */
	async call(name: string, session: string, args: Record<string, unknown> = {}): Promise<string> {
		const response = await this.startCall(name, session, args);
		await response.ended;
		return response.text;
	}

	/** Calls a tool; resolves when the response headers arrive. */
	startCall(
		name: string,
		session: string,
		args: Record<string, unknown> = {},
		id: number | string = 1,
	): Promise<IncomingResponse> {
		const params = { name, arguments: args, _meta: { progressToken: id } };
		return this.post({ id, method: 'tools/call', params }, session);
	}

	/** Opens a session and returns its id. */
	async initialize(
		capabilities: Record<string, unknown> = { elicitation: {}, sampling: {} },
	): Promise<string> {
		const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: CLIENT };
		const response = await this.post({ id: 0, method: 'initialize', params });
		await response.ended;
		const session = response.headers['mcp-session-id'];
		if (typeof session !== 'string') throw new Error(`expected a session; found ${response.text}`);
		return session;
	}

	/** Opens a GET stream of the session. */
	openStream(session?: string): Promise<IncomingResponse> {
		return this.send('GET', { accept: 'text/event-stream', ...sessionHeaders(session) });
	}

	/** Ends the session. */
	async endSession(session?: string): Promise<IncomingResponse> {
		const response = await this.send('DELETE', sessionHeaders(session));
		await response.ended;
		return response;
	}

	/** Sends a request; resolves when the response headers arrive. */
	send(
		method: string,
		extra: RequestHeaders = {},
		body?: string | Uint8Array,
	): Promise<IncomingResponse> {
		const headers = Object.entries({
			accept: 'application/json, text/event-stream',
			...(body !== undefined && { 'content-type': 'application/json' }),
			...extra,
			...this.#headers,
		}).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
		const options = { method, headers: Object.fromEntries(headers), agent: false };
		return new Promise((resolve, reject) => {
			request(this.url, options, (response) => resolve(new IncomingResponse(response)))
				.on('error', reject)
				.end(body);
		});
	}
}

function sessionHeaders(session: string | undefined): RequestHeaders {
	return session === undefined ? {} : { 'mcp-session-id': session };
}
