import { get, request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const ARRIVAL_MS = 5_000;
const ACCEPT = 'application/json, text/event-stream';
const STATELESS = '2026-07-28';

/** A JSON-RPC message of a test. */
export interface Message {
	readonly id?: number | string;
	readonly method?: string;
	readonly params?: Record<string, unknown>;
	readonly result?: unknown;
}

/** An answer as it comes in. Its connection can be broken without a goodbye. */
export class Incoming {
	text = '';
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
		this.ended = new Promise((resolve) => response.on('close', resolve));
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

	/** The client is gone, and nobody is told. */
	destroy(): void {
		this.#response.socket.destroy();
	}
}

/** One Worker's endpoint, as a raw client sees it. */
export class Endpoint {
	readonly #url: URL;

	constructor(base: URL, path = '/mcp') {
		this.#url = new URL(path, base);
	}

	/** Sends a message; resolves as soon as the headers are there. */
	post(message: Message, session?: string): Promise<Incoming> {
		return this.#send('POST', headersOf(session), { jsonrpc: '2.0', ...message });
	}

	/** Sends a request of the stateless era. */
	postStateless(message: Message & { readonly method: string }): Promise<Incoming> {
		const metadata = {
			'io.modelcontextprotocol/protocolVersion': STATELESS,
			'io.modelcontextprotocol/clientCapabilities': {},
			'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
		};
		const headers = { 'mcp-protocol-version': STATELESS, 'mcp-method': message.method };
		const params = { ...message.params, _meta: metadata };
		return this.#send('POST', headers, { jsonrpc: '2.0', ...message, params });
	}

	/** Calls a tool; resolves when the answer is complete. */
	async call(name: string, session: string, args: Record<string, unknown> = {}): Promise<string> {
		const params = { name, arguments: args };
		const answer = await this.post({ id: 1, method: 'tools/call', params }, session);
		await answer.ended;
		return answer.text;
	}

	/** Opens a session and returns its id. */
	async initialize(): Promise<string> {
		const params = {
			protocolVersion: '2025-06-18',
			capabilities: { elicitation: {} },
			clientInfo: { name: 'raw', version: '1.0.0' },
		};
		const answer = await this.post({ id: 0, method: 'initialize', params });
		await answer.ended;
		const session = answer.headers['mcp-session-id'];
		if (typeof session !== 'string') throw new Error(`expected a session; found ${answer.text}`);
		return session;
	}

	/** Opens the session's GET stream. */
	openStream(session: string): Promise<Incoming> {
		const headers = { accept: 'text/event-stream', ...headersOf(session) };
		return new Promise((resolve, reject) => {
			get(this.#url, { headers, agent: false }, (response) => resolve(new Incoming(response))).on(
				'error',
				reject,
			);
		});
	}

	#send(method: string, extra: Record<string, string>, body: object): Promise<Incoming> {
		const headers = { 'content-type': 'application/json', accept: ACCEPT, ...extra };
		return new Promise((resolve, reject) => {
			request(this.#url, { method, headers, agent: false }, (response) =>
				resolve(new Incoming(response)),
			)
				.on('error', reject)
				.end(JSON.stringify(body));
		});
	}
}

function headersOf(session: string | undefined): Record<string, string> {
	return session === undefined ? {} : { 'mcp-session-id': session };
}
