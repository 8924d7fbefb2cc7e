import { openSession, TOKEN, URL_OF_MCP } from './fuzzed-endpoint.ts';
import type { FuzzedEndpoint } from './fuzzed-endpoint.ts';

/** Longer than any fuzzed request takes: a response that has not arrived by then hangs. */
const WITHIN_MS = 2_000;

/** The description of a request, which fast-check prints on failure. */
export interface Fuzzed {
	readonly method?: string;
	/** `{session}` and `{token}` in a value are replaced by the session id and token of the exchange. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string | Uint8Array<ArrayBuffer>;
	/** Sends the body in chunks of this size, without a content-length. */
	readonly chunkBytes?: number;
}

/** A completed request. */
export interface Exchange {
	readonly session: string;
	readonly status: number;
	readonly body: string;
}

/**
 * Sends a request in a new session.
 *
 * @throws if the response does not arrive, or does not end although it should.
 */
export async function exchange(endpoint: FuzzedEndpoint, fuzzed: Fuzzed): Promise<Exchange> {
	const session = await openSession(endpoint);
	const response = await inTime(endpoint.mcp.fetch(requestOf(fuzzed, session)));
	const body = await inTime(read(response, staysOpen(fuzzed)));
	return { session, status: response.status, body };
}

/** Creates the request in this session. */
export function requestOf(fuzzed: Fuzzed, session: string): Request {
	const { method = 'POST', body, chunkBytes } = fuzzed;
	const headers = Object.entries(fuzzed.headers).map(([name, value]): [string, string] => [
		name,
		value.replaceAll('{session}', session).replaceAll('{token}', TOKEN),
	]);
	const init = { method, headers };
	if (body === undefined || /^(?:get|head)$/i.test(method)) return new Request(URL_OF_MCP, init);
	if (chunkBytes === undefined) return new Request(URL_OF_MCP, { ...init, body });
	return chunkedRequest(init, inChunks(Buffer.from(body), chunkBytes));
}

/** Creates a request with a streamed body and no content-length. */
export function chunkedRequest(init: RequestInit, body: ReadableStream<Uint8Array>): Request {
	// Node.js requires `duplex`, which its types lack.
	const streaming = { ...init, body, duplex: 'half' };
	return new Request(URL_OF_MCP, streaming);
}

function inChunks(bytes: Uint8Array, chunkBytes: number): ReadableStream<Uint8Array> {
	let from = 0;
	return new ReadableStream({
		pull(controller) {
			if (from >= bytes.length) return controller.close();
			controller.enqueue(Uint8Array.from(bytes.subarray(from, (from += chunkBytes))));
		},
	});
}

function staysOpen({ method = 'POST', body = '' }: Fuzzed): boolean {
	return method.toUpperCase() === 'GET' || Buffer.from(body).includes('subscriptions/listen');
}

/** Reads the whole body, or the first chunk of a stream that only the client ends. */
async function read(response: Response, isOpenEnded: boolean): Promise<string> {
	const isStream = response.headers.get('content-type') === 'text/event-stream';
	if (!response.body || !isStream || !isOpenEnded) return response.text();
	const reader = response.body.getReader();
	const { value } = await reader.read();
	await reader.cancel();
	return new TextDecoder().decode(value);
}

/** Settles like the promise. @throws if that takes longer than two seconds. */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`nothing within ${WITHIN_MS} ms`)), WITHIN_MS);
	});
	return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
