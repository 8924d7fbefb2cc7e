import type { McpHandler } from '@tmcp-sessions/http';

const URL_OF_MCP = 'https://example.com/mcp';
const STATELESS = '2026-07-28';
const CLIENT = { name: 'client', version: '1.0.0' };

type Headers = Readonly<Record<string, string | undefined>>;

/** A message of a client, without `jsonrpc`. */
export interface Message {
	readonly id?: number | string;
	readonly method?: string;
	readonly params?: Readonly<Record<string, unknown>>;
	readonly result?: unknown;
}

/** Calls a handler like a client through a platform, and collects the promises of `waitUntil`. */
export class PlatformClient {
	/** Whether the platform has ended the requests. */
	isOver = false;
	/** The number of `waitUntil` calls after that. */
	lateWaitUntil = 0;
	readonly #mcp: McpHandler;
	readonly #promises: Promise<unknown>[] = [];

	constructor(mcp: McpHandler) {
		this.#mcp = mcp;
	}

	/** Resolves when all promises of `waitUntil` have settled, also those added meanwhile. */
	async settled(): Promise<void> {
		for (const promise of this.#promises) await promise;
	}

	/** Sends a request; headers with the value undefined are not sent. */
	async send(
		method: string,
		headers: Headers,
		body?: string,
		signal?: AbortSignal,
	): Promise<IncomingResponse> {
		const all = { accept: 'application/json, text/event-stream', ...headers };
		const defined = Object.entries(all).flatMap(([name, value]): [string, string][] =>
			value === undefined ? [] : [[name, value]],
		);
		const init = {
			method,
			headers: defined,
			...(body !== undefined && { body }),
			...(signal && { signal }),
		};
		const context = {
			waitUntil: (promise: Promise<unknown>): void => {
				if (this.isOver) this.lateWaitUntil += 1;
				this.#promises.push(promise);
			},
		};
		return new IncomingResponse(await this.#mcp.fetch(new Request(URL_OF_MCP, init), {}, context));
	}

	/** Posts a message in a session. */
	post(
		session: string,
		message: Message,
		more: Headers = {},
		signal?: AbortSignal,
	): Promise<IncomingResponse> {
		const headers = {
			'content-type': 'application/json',
			...(session && { 'mcp-session-id': session }),
			...more,
		};
		return this.send('POST', headers, JSON.stringify({ jsonrpc: '2.0', ...message }), signal);
	}

	/** Calls a tool in a session. */
	call(
		session: string,
		name: string,
		args: Readonly<Record<string, unknown>> = {},
		more: Headers = {},
	): Promise<IncomingResponse> {
		const params = { name, arguments: args, _meta: { progressToken: 1 } };
		return this.post(session, { id: 1, method: 'tools/call', params }, more);
	}

	/** Sends a stateless request. */
	postStateless(
		method: string,
		params: Readonly<Record<string, unknown>> = {},
		signal?: AbortSignal,
	): Promise<IncomingResponse> {
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

	/** Opens a session and returns its id, or an empty string if that failed. */
	async initialize(): Promise<string> {
		const capabilities = { elicitation: {}, sampling: {}, roots: {} };
		const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: CLIENT };
		const response = await this.post('', { id: 0, method: 'initialize', params });
		await response.end();
		return response.headers.get('mcp-session-id') ?? '';
	}
}

/** A response that is read incrementally. */
export class IncomingResponse {
	text = '';
	readonly status: number;
	readonly headers: globalThis.Headers;
	readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

	constructor(response: Response) {
		this.status = response.status;
		this.headers = response.headers;
		this.#reader = response.body?.getReader();
	}

	/** Reads until this text has arrived or the body ends. */
	async readUntil(part: string): Promise<this> {
		while (!this.text.includes(part)) {
			const next = await this.#reader?.read();
			if (!next || next.done) break;
			this.text += new TextDecoder().decode(next.value);
		}
		return this;
	}

	/** Reads to the end of the body. */
	async end(): Promise<void> {
		await this.readUntil('\0');
	}

	/** Disconnects the client. */
	async disconnect(): Promise<void> {
		await this.#reader?.cancel();
	}

	/** Resolves with the id of the elicitation. */
	async elicitationId(): Promise<string> {
		await this.readUntil('elicitation/create');
		return /"id":"([^"]+)"/.exec(this.text)?.[1] ?? 'none';
	}
}
