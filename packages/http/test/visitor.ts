import type { McpHandler } from '@tmcp-sessions/http';

const URL_OF_MCP = 'https://example.com/mcp';
const STATELESS = '2026-07-28';
const CLIENT = { name: 'visitor', version: '1.0.0' };

type Headers = Readonly<Record<string, string | undefined>>;

/** A message as a client sends it, but for its `jsonrpc`. */
export interface Sent {
	readonly id?: number | string;
	readonly method?: string;
	readonly params?: Readonly<Record<string, unknown>>;
	readonly result?: unknown;
}

/** Calls a handler as a platform does, and keeps what is given to `waitUntil`. */
export class Visitor {
	/** Set when everything is said to be over. */
	isOver = false;
	/** How often `waitUntil` was called after that. */
	late = 0;
	readonly #mcp: McpHandler;
	readonly #given: Promise<unknown>[] = [];

	constructor(mcp: McpHandler) {
		this.#mcp = mcp;
	}

	/** Settles when all has that was given so far, and all that this gave in turn. */
	async settled(): Promise<void> {
		for (const given of this.#given) await given;
	}

	/** Sends a request; one header that is undefined is not sent. */
	async send(
		method: string,
		headers: Headers,
		body?: string,
		signal?: AbortSignal,
	): Promise<Incoming> {
		const all = { accept: 'application/json, text/event-stream', ...headers };
		const sent = Object.entries(all).flatMap(([name, value]): [string, string][] =>
			value === undefined ? [] : [[name, value]],
		);
		const init = {
			method,
			headers: sent,
			...(body !== undefined && { body }),
			...(signal && { signal }),
		};
		const context = {
			waitUntil: (work: Promise<unknown>): void => {
				if (this.isOver) this.late += 1;
				this.#given.push(work);
			},
		};
		return new Incoming(await this.#mcp.fetch(new Request(URL_OF_MCP, init), {}, context));
	}

	/** Sends a message of a session. */
	post(
		session: string,
		message: Sent,
		more: Headers = {},
		signal?: AbortSignal,
	): Promise<Incoming> {
		const headers = {
			'content-type': 'application/json',
			...(session && { 'mcp-session-id': session }),
			...more,
		};
		return this.send('POST', headers, JSON.stringify({ jsonrpc: '2.0', ...message }), signal);
	}

	/** Calls a tool of a session. */
	call(
		session: string,
		name: string,
		args: Readonly<Record<string, unknown>> = {},
		more: Headers = {},
	): Promise<Incoming> {
		const params = { name, arguments: args, _meta: { progressToken: 1 } };
		return this.post(session, { id: 1, method: 'tools/call', params }, more);
	}

	/** Sends a request of the stateless era. */
	postStateless(
		method: string,
		params: Readonly<Record<string, unknown>> = {},
		signal?: AbortSignal,
	): Promise<Incoming> {
		const metadata = {
			'io.modelcontextprotocol/protocolVersion': STATELESS,
			'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
			'io.modelcontextprotocol/clientInfo': CLIENT,
		};
		const { name } = params;
		const headers = {
			'mcp-protocol-version': STATELESS,
			'mcp-method': method,
			...(typeof name === 'string' && { 'mcp-name': name }),
		};
		return this.post(
			'',
			{ id: 1, method, params: { ...params, _meta: metadata } },
			headers,
			signal,
		);
	}

	/** Opens a session and returns its id; empty where that failed. */
	async initialize(): Promise<string> {
		const capabilities = { elicitation: {}, sampling: {}, roots: {} };
		const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: CLIENT };
		const answer = await this.post('', { id: 0, method: 'initialize', params });
		await answer.end();
		return answer.headers.get('mcp-session-id') ?? '';
	}
}

/** An answer as it comes in. */
export class Incoming {
	text = '';
	readonly status: number;
	readonly headers: globalThis.Headers;
	readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

	constructor(response: Response) {
		this.status = response.status;
		this.headers = response.headers;
		this.#reader = response.body?.getReader();
	}

	/** Reads until this text has come in, or there is nothing more to read. */
	async until(part: string): Promise<this> {
		while (!this.text.includes(part)) {
			const next = await this.#reader?.read();
			if (!next || next.done) break;
			this.text += new TextDecoder().decode(next.value);
		}
		return this;
	}

	/** Reads all that there is. */
	async end(): Promise<void> {
		await this.until('\0');
	}

	/** The client leaves. */
	async leave(): Promise<void> {
		await this.#reader?.cancel();
	}

	/** The id of the server's question, once it has come in. */
	async question(): Promise<string> {
		await this.until('elicitation/create');
		return /"id":"([^"]+)"/.exec(this.text)?.[1] ?? 'none';
	}
}
