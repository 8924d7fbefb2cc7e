import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';

import { RawStream } from './raw-stream.ts';
import type { Received } from './raw-stream.ts';

/** Two isolates: streams are opened on `get`, messages are posted to `post`. */
export type Isolates = Workers<'get' | 'post'>;

/** Starts the fixture in two isolates. */
export function startFixture(options: Partial<WorkersOptions> = {}): Promise<Isolates> {
	return startWorkers({
		...options,
		entry: fileURLToPath(new URL('fixture/worker.ts', import.meta.url)),
		workers: ['get', 'post'],
	});
}

/** Returns a `fetch` for an official client that sends GETs to one isolate and POSTs to the other. */
export function fetchOf(workers: Isolates): typeof fetch {
	return (input, init) => {
		const url = new URL(input instanceof Request ? input.url : input);
		const { host } = workers.url(init?.method === 'POST' ? 'post' : 'get');
		url.host = host;
		return fetch(url, init);
	};
}

/** A session of a raw client. */
export class RawSession {
	readonly stream: RawStream;
	readonly #workers: Isolates;
	readonly #headers: Record<string, string>;

	private constructor(workers: Isolates, stream: RawStream, headers: Record<string, string>) {
		this.#workers = workers;
		this.stream = stream;
		this.#headers = headers;
	}

	static async open(
		workers: Isolates,
		path = '/sse',
		headers: Record<string, string> = {},
	): Promise<RawSession> {
		const stream = await RawStream.session(new URL(path, workers.url('get')), headers);
		return new RawSession(workers, stream, headers);
	}

	/** Sends a message to the other isolate; resolves with the response to the POST. */
	async send(
		message: object,
		{ endpoint = this.stream.endpoint, headers = {} }: SendOptions = {},
	): Promise<{ status: number; text: string; headers: Headers }> {
		return sendRaw(new URL(endpoint, this.#workers.url('post')), message, {
			...this.#headers,
			...headers,
		});
	}

	/** Initializes the session with revision 2024-11-05. */
	async initialize(capabilities: object = {}): Promise<Received> {
		const clientInfo = { name: 'raw', version: '1.0.0' };
		const params = { protocolVersion: '2024-11-05', capabilities, clientInfo };
		await this.send({ id: 0, method: 'initialize', params });
		const response = await this.stream.response(0);
		await this.send({ method: 'notifications/initialized' });
		return response;
	}

	/** Calls a tool; resolves with the response to the POST. */
	call(
		id: number,
		name: string,
		args: object = {},
	): Promise<{ status: number; text: string; headers: Headers }> {
		const params = { name, arguments: args, _meta: { progressToken: id } };
		return this.send({ id, method: 'tools/call', params });
	}
}

interface SendOptions {
	readonly endpoint?: string;
	readonly headers?: Record<string, string>;
}

/** Posts a message, or any other body. */
export async function sendRaw(
	url: URL,
	message: object | string,
	headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: Headers }> {
	const response = await fetch(url, {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...headers },
		body: typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }),
	});
	return { status: response.status, text: await response.text(), headers: response.headers };
}
