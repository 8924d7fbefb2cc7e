import { createServer, request as requestHttp } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** One HTTP exchange between the client and the server. */
export interface Exchange {
	/** The HTTP method. */
	readonly method: string;
	/** The method of the JSON-RPC message, if the body has one. */
	readonly rpcMethod: string | undefined;
	/** The header `MCP-Protocol-Version` of the request. */
	readonly revision: string | undefined;
	readonly lastEventId: string | undefined;
	/** The session id of the request, or the one that the response opened. */
	readonly sessionId: string | undefined;
	/** Undefined before the response headers. */
	readonly status: number | undefined;
	/** Whether the response has not ended yet. */
	readonly isOpen: boolean;
	/** Breaks the connection to the client, as a network failure would. */
	cut(): void;
}

/**
 * Forwards requests to isolates in turn, with unchanged headers except `Host`, and records them. POST
 * requests have a turn of their own: a GET stream opened at an arbitrary time must not shift it.
 */
export class ObservingProxy {
	/** All exchanges, in the order of the requests. */
	readonly exchanges: readonly Exchange[];
	readonly #exchanges: RecordedExchange[] = [];
	readonly #turns = new Map<string, number>();
	readonly #targets: readonly URL[];
	readonly #maxRequests: number;
	readonly #server = createServer((incoming, outgoing) => {
		this.#exchange(incoming, outgoing).catch(() => outgoing.destroy());
	});

	/** @param maxRequests forwards no more than these; answers all others with 429. */
	constructor(targets: readonly URL[], maxRequests = Infinity) {
		this.exchanges = this.#exchanges;
		this.#targets = targets;
		this.#maxRequests = maxRequests;
	}

	/** Whether all requests that it may forward were made. */
	get isExhausted(): boolean {
		return this.#exchanges.length >= this.#maxRequests;
	}

	/** Listens on a free port of this machine and resolves with its address. */
	async listen(): Promise<URL> {
		await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
		// Safe because a server that listens on TCP has an address with a port.
		return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
	}

	/** Resolves with the first exchange that matches. Rejects after `timeoutMs`, naming `expected`. */
	async waitFor(
		expected: string,
		matches: (exchange: Exchange) => boolean,
		timeoutMs = 8_000,
	): Promise<Exchange> {
		for (const deadline = Date.now() + timeoutMs; ; await pause(20)) {
			const found = this.#exchanges.find(matches);
			if (found) return found;
			if (Date.now() > deadline) throw new Error(`expected ${expected}; saw ${this.#summary()}`);
		}
	}

	/** Waits until no exchange matches. Rejects after `timeoutMs`, naming `unexpected`. */
	async waitForNone(
		unexpected: string,
		matches: (exchange: Exchange) => boolean,
		timeoutMs = 8_000,
	): Promise<void> {
		for (const deadline = Date.now() + timeoutMs; ; await pause(20)) {
			if (!this.#exchanges.some(matches)) return;
			if (Date.now() > deadline)
				throw new Error(`expected no ${unexpected}; saw ${this.#summary()}`);
		}
	}

	/** Returns the number of exchanges whose response has not ended. */
	openCount(): number {
		return this.#exchanges.filter(({ isOpen }) => isOpen).length;
	}

	async close(): Promise<void> {
		await new Promise((resolve) => {
			this.#server.close(resolve);
			this.#server.closeAllConnections();
		});
	}

	/** Describes the last exchanges for an error. */
	#summary(): string {
		const lines = this.#exchanges
			.slice(-6)
			.map(
				({ method, rpcMethod = '', lastEventId, status = 'no status', isOpen }) =>
					`${method} ${rpcMethod}${lastEventId === undefined ? '' : ' (resumed)'} ${status}${isOpen ? ' open' : ''}`,
			);
		return lines.join('; ') || 'no request';
	}

	async #exchange(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
		const { method = 'GET', headers, url: path } = incoming;
		const kind = method === 'POST' ? 'POST' : 'other';
		const turn = this.#turns.get(kind) ?? 0;
		this.#turns.set(kind, turn + 1);
		const target = this.#targets[turn % this.#targets.length];
		if (!target) throw new Error('the proxy needs at least one target');
		const chunks: Buffer[] = [];
		for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
		if (this.isExhausted) {
			outgoing.writeHead(429).end(`forwarded ${this.#maxRequests} requests, the most allowed`);
			return;
		}
		const body = Buffer.concat(chunks);
		const exchange = new RecordedExchange(incoming, rpcMethodOf(body), outgoing);
		this.#exchanges.push(exchange);

		const request = target.protocol === 'https:' ? requestHttps : requestHttp;
		const options = { method, headers: { ...headers, host: target.host }, agent: false as const };
		const forwarded = request(new URL(path ?? '/', target), options, (response) => {
			exchange.receive(response);
			outgoing.writeHead(response.statusCode ?? 502, response.headers);
			outgoing.flushHeaders();
			response.pipe(outgoing);
			response.on('error', () => outgoing.destroy());
		});
		forwarded.on('error', (error) => {
			if (outgoing.headersSent) outgoing.destroy();
			else outgoing.writeHead(502).end(error.message);
		});
		// Pass the client's disconnect on to the server.
		outgoing.on('close', () => {
			exchange.isOpen = false;
			forwarded.destroy();
		});
		forwarded.end(body);
	}
}

class RecordedExchange implements Exchange {
	readonly method: string;
	readonly rpcMethod: string | undefined;
	readonly revision: string | undefined;
	readonly lastEventId: string | undefined;
	sessionId: string | undefined;
	status: number | undefined;
	isOpen = true;
	readonly #outgoing: ServerResponse;

	constructor(
		{ method = 'GET', headers }: IncomingMessage,
		rpcMethod: string | undefined,
		outgoing: ServerResponse,
	) {
		this.method = method;
		this.rpcMethod = rpcMethod;
		this.revision = first(headers['mcp-protocol-version']);
		this.lastEventId = first(headers['last-event-id']);
		this.sessionId = first(headers['mcp-session-id']);
		this.#outgoing = outgoing;
	}

	receive({ statusCode, headers }: IncomingMessage): void {
		this.status = statusCode;
		this.sessionId ??= first(headers['mcp-session-id']);
	}

	cut(): void {
		this.#outgoing.destroy();
	}
}

function first(header: string | string[] | undefined): string | undefined {
	return Array.isArray(header) ? header[0] : header;
}

function rpcMethodOf(body: Buffer): string | undefined {
	if (body.length === 0) return undefined;
	try {
		const message: unknown = JSON.parse(body.toString());
		return typeof message === 'object' && message !== null && 'method' in message
			? String(message.method)
			: undefined;
	} catch {
		return undefined;
	}
}
