import { setTimeout as delay } from 'node:timers/promises';
import { initialize, openStream } from './mcp-requests.ts';
import type { McpRequest } from './mcp-requests.ts';

const ARRIVAL_MS = 5_000;
const CONCURRENCY = 32;

/** A client that checks every response. */
export class McpClient {
	readonly #url: string;
	readonly #streams = new AbortController();
	/** Node.js cancels the body of a garbage-collected response: its stream would end. */
	readonly #responses: Response[] = [];

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

	/** Opens a session's stream and returns a function that waits until a text arrives on it. */
	async listen(session: string): Promise<(expected: string) => Promise<void>> {
		const body = await this.openStream(session);
		const reader = body.pipeThrough(new TextDecoderStream()).getReader();
		let received = '';
		const waitFor = async (expected: string): Promise<void> => {
			while (!received.includes(expected)) {
				const { done, value } = await Promise.race([reader.read(), timeout(expected)]);
				if (done) throw new Error(`the stream must send ${expected}; it ended after ${received}`);
				received += value;
			}
		};
		await waitFor(': connected');
		return waitFor;
	}

	/** Opens a session's stream, which stays open until `close`. */
	async openStream(session: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
		const response = await fetch(this.#url, {
			...openStream(session),
			signal: this.#streams.signal,
		});
		if (response.status !== 200 || !response.body) {
			throw new Error(`a GET stream must return 200; got ${response.status}`);
		}
		this.#responses.push(response);
		return response.body;
	}

	/** Closes the streams. */
	close(): void {
		this.#streams.abort();
		this.#responses.length = 0;
	}
}

async function timeout(expected: string): Promise<never> {
	await delay(ARRIVAL_MS, undefined, { ref: false });
	throw new Error(`${expected} must arrive within ${ARRIVAL_MS} ms; it did not`);
}
