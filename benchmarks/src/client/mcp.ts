import { setTimeout as delay } from 'node:timers/promises';

/** The URI of the resource that clients subscribe to. */
export const changingUri = 'test://changing';
/** The whole body of the response to `toolCall`, which every contender sends. */
export const sumResponse =
	'event: message\ndata: {"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"3"}]}}\n\n';
/** Part of the response to every call of `add`. */
export const SUM = '"text":"3"';

/** The arguments of `fetch` besides the URL. */
export interface McpRequest {
	readonly method: 'GET' | 'POST' | 'DELETE';
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string;
}

const clientInfo = { name: 'benchmark', version: '1.0.0' };
const clientCapabilities = { roots: { listChanged: true }, sampling: {} };
const sum = { name: 'add', arguments: { a: 1, b: 2 } };
const ARRIVAL_MS = 5_000;
const CONCURRENCY = 32;

/** Creates the first request of a session; the response carries `mcp-session-id`. */
export function initialize(): McpRequest {
	const params = {
		protocolVersion: '2025-06-18',
		capabilities: clientCapabilities,
		clientInfo,
	};
	return post({}, { id: 1, method: 'initialize', params });
}

/** Creates a message of a session. Without an `id` it is a notification. */
export function sessionMessage(
	session: string | undefined,
	message: { id?: number; method: string; params?: object },
): McpRequest {
	return post(sessionHeaders(session), message);
}

/** Creates a tool call of a session, or of a client without one. */
export function toolCall(session: string | undefined, params: object = sum): McpRequest {
	return sessionMessage(session, { id: 2, method: 'tools/call', params });
}

/** Creates a tool call of 2026-07-28, which has no sessions. */
export function statelessToolCall(
	name = sum.name,
	args: object = sum.arguments,
	capabilities: object = clientCapabilities,
): McpRequest {
	return stateless('tools/call', { name, arguments: args }, capabilities, { 'mcp-name': name });
}

/** Creates the request of a 2026-07-28 client that listens to changes of tools. */
export function statelessListen(): McpRequest {
	const notifications = { toolsListChanged: true };
	return stateless('subscriptions/listen', { notifications }, clientCapabilities);
}

function stateless(
	method: string,
	params: object,
	capabilities: object,
	headers: Record<string, string> = {},
): McpRequest {
	const _meta = {
		'io.modelcontextprotocol/protocolVersion': '2026-07-28',
		'io.modelcontextprotocol/clientInfo': clientInfo,
		'io.modelcontextprotocol/clientCapabilities': capabilities,
	};
	return post(
		{ ...headers, 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
		{ id: 3, method, params: { ...params, _meta } },
	);
}

/** Creates the request that opens a session's stream. */
export function openStream(session: string, lastEventId?: string): McpRequest {
	const resumption = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
	const headers = { ...sessionHeaders(session), ...resumption, accept: 'text/event-stream' };
	return { method: 'GET', headers };
}

/** Creates the request that ends a session. */
export function endSession(session: string | undefined): McpRequest {
	return { method: 'DELETE', headers: sessionHeaders(session) };
}

function sessionHeaders(session: string | undefined): Record<string, string> {
	if (session === undefined) return { 'mcp-protocol-version': '2025-06-18' };
	return { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' };
}

function post(headers: Record<string, string>, message: object): McpRequest {
	return {
		method: 'POST',
		headers: {
			...headers,
			accept: 'application/json, text/event-stream',
			'content-type': 'application/json',
		},
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	};
}

/** A stream of events that is read as they arrive. */
export class EventStream {
	/** The text that arrived so far. */
	text = '';
	/** The time from the request to its status, and to the last arrival. */
	readonly openMs: number;
	lastMs: number;
	readonly status: number;
	readonly #dropping: AbortController;

	private constructor(response: Response, startMs: number, dropping: AbortController) {
		this.openMs = this.lastMs = performance.now() - startMs;
		this.status = response.status;
		this.#dropping = dropping;
		const read = async (): Promise<void> => {
			for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
				this.text += chunk;
				this.lastMs = performance.now() - startMs;
			}
		};
		read().catch(() => {}); // The client drops the stream.
	}

	static async open(url: string, request: McpRequest): Promise<EventStream> {
		const dropping = new AbortController();
		const startMs = performance.now();
		const response = await fetch(url, { ...request, signal: dropping.signal });
		return new EventStream(response, startMs, dropping);
	}

	/** Returns how often a text arrived. */
	count(part: string): number {
		return this.text.split(part).length - 1;
	}

	/** Waits until a text has arrived so many times. Rejects after a timeout. */
	async waitFor(part: string, times = 1, withinMs = ARRIVAL_MS): Promise<void> {
		const deadlineMs = performance.now() + withinMs;
		while (this.count(part) < times) {
			if (performance.now() > deadlineMs) throw new Error(`${part} must arrive; got ${this.text}`);
			await delay(1);
		}
	}

	drop(): void {
		this.#dropping.abort();
	}
}

/** A client that checks every response. */
export class McpClient {
	readonly #url: string;
	readonly #streams: EventStream[] = [];

	/** @param url where the contender serves MCP. */
	constructor(url: string) {
		this.#url = url;
	}

	/** Sends a request and reads the response to its end. Rejects if it is an error. */
	async send(request: McpRequest, expected = ''): Promise<Response> {
		const response = await fetch(this.#url, request);
		const body = await response.text();
		if (!response.ok || body.includes('"error"') || !body.includes(expected)) {
			throw new Error(
				`${request.method} ${request.body ?? ''} must return ${expected || 'a result'}; got ${response.status} ${body}`,
			);
		}
		return response;
	}

	/** Sends a request of a session. */
	request(session: string, method: string, params: object = {}): Promise<Response> {
		return this.send(sessionMessage(session, { id: 4, method, params }), '"result"');
	}

	/** Subscribes a session to a resource. */
	subscribe(session: string, uri = changingUri): Promise<Response> {
		return this.request(session, 'resources/subscribe', { uri });
	}

	/** Opens a session and returns its id. */
	async open(): Promise<string> {
		const response = await this.send(initialize(), '"serverInfo"');
		const session = response.headers.get('mcp-session-id');
		if (session === null) throw new Error('initialize must return a session id; got none');
		return session;
	}

	/** Opens many sessions, some at a time, and returns their ids. */
	async openSessions(count: number): Promise<string[]> {
		const sessions: string[] = [];
		const lanes = Array.from({ length: CONCURRENCY }, async () => {
			while (sessions.length < count) {
				const index = sessions.push('') - 1;
				sessions[index] = await this.open();
			}
		});
		await Promise.all(lanes);
		return sessions;
	}

	/** Opens a session's stream, which stays open until `close`. */
	async openStream(session: string): Promise<EventStream> {
		const stream = await EventStream.open(this.#url, openStream(session));
		if (stream.status !== 200) throw new Error(`a stream must return 200; got ${stream.status}`);
		this.#streams.push(stream);
		return stream;
	}

	/** Closes the streams. */
	close(): void {
		for (const stream of this.#streams) stream.drop();
	}
}
