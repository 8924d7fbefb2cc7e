import { setTimeout as delay } from 'node:timers/promises';
import { initialize, openStream } from './mcp-requests.ts';
import type { McpRequest } from './mcp-requests.ts';

const HEARD_WITHIN_MS = 5_000;

/** A client that makes sure of each answer. */
export class McpClient {
	readonly #url: string;
	readonly #streams = new AbortController();
	/** When Node.js collects a response as garbage it cancels a body that nobody reads: its stream would end. */
	readonly #kept: Response[] = [];

	/** @param url where the contender serves MCP. */
	constructor(url: string) {
		this.#url = url;
	}

	/** Sends a request and reads the answer to its end. @throws where it is an error. */
	async send(request: McpRequest, expected = ''): Promise<Response> {
		const response = await fetch(this.#url, request);
		const body = await response.text();
		if (!response.ok || body.includes('"error"') || !body.includes(expected)) {
			throw new Error(
				`${request.method} ${request.body ?? ''} was answered ${response.status} ${body}, expected ${expected || 'a result'}`,
			);
		}
		return response;
	}

	/** Opens a session and returns its id. */
	async open(): Promise<string> {
		const response = await this.send(initialize(), '"serverInfo"');
		const session = response.headers.get('mcp-session-id');
		if (session === null) throw new Error('initialize was answered without a session id');
		return session;
	}

	/** Opens a session's stream, which stays open, and returns what waits for a text to come on it. */
	async listen(session: string): Promise<(expected: string) => Promise<void>> {
		const body = await this.openStream(session);
		const reader = body.pipeThrough(new TextDecoderStream()).getReader();
		let seen = '';
		const heard = async (expected: string): Promise<void> => {
			while (!seen.includes(expected)) {
				const { done, value } = await Promise.race([reader.read(), tooLate(expected)]);
				if (done) throw new Error(`the stream ended after ${seen}, expected ${expected}`);
				seen += value;
			}
		};
		await heard(': connected');
		return heard;
	}

	/** Opens a session's stream, which stays open until it is cancelled. */
	async openStream(
		session: string,
		headers: Record<string, string> = {},
	): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
		const request = openStream(session);
		const response = await fetch(this.#url, {
			...request,
			headers: { ...request.headers, ...headers },
			signal: this.#streams.signal,
		});
		if (response.status !== 200 || !response.body) {
			throw new Error(`a GET stream was answered ${response.status}`);
		}
		this.#kept.push(response);
		return response.body;
	}

	/** Closes the streams. */
	close(): void {
		this.#streams.abort();
		this.#kept.length = 0;
	}
}

async function tooLate(expected: string): Promise<never> {
	await delay(HEARD_WITHIN_MS, undefined, { ref: false });
	throw new Error(`${expected} did not come within ${HEARD_WITHIN_MS} ms`);
}
