import { ProbeError } from '../probe-error.ts';
import { sendRequest } from './connection.ts';
import type { Connection, ProbeRequest } from './connection.ts';
import { connectionError } from './connection-error.ts';
import { EventStream, parseMessages } from './event-stream.ts';
import type { Message } from './event-stream.ts';

/** A response to a POST, read to its end. */
export interface Reply {
	readonly status: number;
	readonly headers: Headers;
	/** The JSON-RPC response, if there is one. */
	readonly response: Message | undefined;
	/** The body, if it is no event stream. */
	readonly text: string;
	/** The time from the request to the response. */
	readonly durationMs: number;
}

/**
 * Sends a request and reads the response: a JSON body, or the stream up to the JSON-RPC response.
 *
 * @throws {ProbeError} if it is not complete in time.
 */
export async function readReply(connection: Connection, request: ProbeRequest): Promise<Reply> {
	const startMs = performance.now();
	const stop = new AbortController();
	const answer = await sendRequest(connection, request, stop.signal);
	const { headers, status } = answer;
	const isStream = /^text\/event-stream/i.test(headers.get('content-type') ?? '');
	const read = isStream ? readStream : readText;
	const { response, text } = await read(connection, answer, stop);
	return { status, headers, response, text, durationMs: performance.now() - startMs };
}

type Body = Pick<Reply, 'response' | 'text'>;

async function readStream(
	{ timeoutMs, url }: Connection,
	answer: Response,
	stop: AbortController,
): Promise<Body> {
	const stream = new EventStream(answer.body, stop);
	const arrival = await stream.waitFor(isResponse, timeoutMs);
	stream.close();
	if ('message' in arrival) return { response: arrival.message, text: '' };
	if (arrival.reason === 'ended') return { response: undefined, text: '' };
	throw connectionError(url, new DOMException('No response in time', 'TimeoutError'), timeoutMs);
}

async function readText(
	{ signal, timeoutMs, url }: Connection,
	answer: Response,
	stop: AbortController,
): Promise<Body> {
	const timer = setTimeout(
		() => stop.abort(new DOMException('No complete body in time', 'TimeoutError')),
		timeoutMs,
	);
	try {
		const text = await answer.text();
		return { response: parseMessages(text).find(isResponse), text };
	} catch (error) {
		if (signal.aborted) throw new ProbeError('interrupted', 'the probe was interrupted', '');
		throw connectionError(url, error, timeoutMs);
	} finally {
		clearTimeout(timer);
	}
}

function isResponse(message: Message): boolean {
	return 'result' in message || 'error' in message;
}

/** Describes a reply without its content, for a finding: "404", "200 with an error (-32601: …)". */
export function describeReply({ response, status }: Pick<Reply, 'response' | 'status'>): string {
	const error: unknown = response && Reflect.get(response, 'error');
	if (typeof error !== 'object' || error === null) return String(status);
	const code: unknown = Reflect.get(error, 'code');
	const message: unknown = Reflect.get(error, 'message');
	return `${status} with the error ${String(code)}: ${excerptOf(String(message))}`;
}

const EXCERPT_LENGTH = 160;

/** Returns the beginning of a text of a server on one line, without control characters. */
export function excerptOf(text: string): string {
	const line = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
	return line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH)}…` : line;
}
