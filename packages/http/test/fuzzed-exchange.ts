import { openSession, TOKEN, URL_OF_MCP } from './fuzzed-endpoint.ts';
import type { FuzzedEndpoint } from './fuzzed-endpoint.ts';

/** Longer than anything takes that is tried: what is not there by then hangs. */
const WITHIN_MS = 2_000;

/** A request before it is one, as a failure shows it. */
export interface Fuzzed {
	readonly method?: string;
	/** In their values `{session}` and `{token}` stand for those of the exchange. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string | Uint8Array<ArrayBuffer>;
	/** Sent in chunks of so many bytes, without a length. */
	readonly chunkBytes?: number;
}

/** What came of a request. */
export interface Exchange {
	readonly session: string;
	readonly status: number;
	readonly body: string;
}

/**
 * Sends a request in a new session.
 *
 * @throws where there is no answer, or no end of one that should have one.
 */
export async function exchange(endpoint: FuzzedEndpoint, fuzzed: Fuzzed): Promise<Exchange> {
	const session = await openSession(endpoint);
	const response = await inTime(endpoint.mcp.fetch(requestOf(fuzzed, session)));
	const body = await inTime(read(response, staysOpen(fuzzed)));
	return { session, status: response.status, body };
}

/** The request, in a session. */
export function requestOf(fuzzed: Fuzzed, session: string): Request {
	const { method = 'POST', body, chunkBytes } = fuzzed;
	const headers = Object.entries(fuzzed.headers).map(([name, held]): [string, string] => [
		name,
		held.replaceAll('{session}', session).replaceAll('{token}', TOKEN),
	]);
	const init = { method, headers };
	if (body === undefined || /^(?:get|head)$/i.test(method)) return new Request(URL_OF_MCP, init);
	if (chunkBytes === undefined) return new Request(URL_OF_MCP, { ...init, body });
	return chunkedRequest(init, inChunks(Buffer.from(body), chunkBytes));
}

/** A request whose body comes bit by bit and says nothing of its length. */
export function chunkedRequest(init: RequestInit, body: ReadableStream<Uint8Array>): Request {
	// What Node.js asks for and its types lack.
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

/** The whole answer, or the beginning of one that nobody ends but the client. */
async function read(response: Response, isOpenEnded: boolean): Promise<string> {
	const isStream = response.headers.get('content-type') === 'text/event-stream';
	if (!response.body || !isStream || !isOpenEnded) return response.text();
	const reader = response.body.getReader();
	const { value } = await reader.read();
	await reader.cancel();
	return new TextDecoder().decode(value);
}

/** @throws where it takes too long. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`nothing within ${WITHIN_MS} ms`)), WITHIN_MS);
	});
	return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
