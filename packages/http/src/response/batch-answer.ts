import { messageFrame } from '@tmcp-sessions/core/backend';

import type { RequestOrigin } from '../request/request-context.ts';
import { accepted } from './answer.ts';
import type { Answer, PlainAnswer } from './answer.ts';
import { ClientWriter } from './client-writer.ts';
import { bodyOf } from './event-stream.ts';
import { encodeFrames } from './frames.ts';
import type { Frames } from './frames.ts';

type Streaming = Response & { readonly body: ReadableStream<Frames> };

/**
 * Returns the answer to several messages: a stream with all responses if one of the answers is a
 * stream, an array of responses if the client accepts JSON only, and a 202 if no message is a request.
 * If all messages fail, so does the request.
 */
export async function batchAnswer(answers: Answer[], origin: RequestOrigin): Promise<Answer> {
	const plain: PlainAnswer[] = [];
	const streams: Streaming[] = [];
	for (const answer of answers) {
		if (!(answer instanceof Response)) plain.push(answer);
		else if (isStreaming(answer)) streams.push(answer);
		else plain.push(await plainAnswer(answer));
	}
	const answered = plain.filter(({ body }) => body !== '');
	if (answered.length === 0 && streams.length === 0) return accepted();
	// A client must see the 404 of its session, or a 503, in the status.
	const [failed] = answered;
	if (failed && streams.length === 0 && answers.every(({ status }) => status >= 400)) return failed;
	const first = streams[0]?.headers ?? answered.find(({ status }) => status < 400)?.headers;
	const headers = Object.fromEntries(new Headers(first));
	if (streams.length === 0 && !answered.some(isEvents)) {
		return { status: 200, headers, body: arrayOf(answered) };
	}
	const text = answered.map(framesOf).join('');
	headers['content-type'] = 'text/event-stream';
	if (streams.length === 0) return { status: 200, headers, body: text };
	return new Response(mergedStream(text, streams, origin), { status: 200, headers });
}

function isStreaming(response: Response): response is Streaming {
	return response.body !== null && isEvents({ headers: Object.fromEntries(response.headers) });
}

async function plainAnswer(response: Response): Promise<PlainAnswer> {
	const { headers, status } = response;
	return { status, headers: Object.fromEntries(headers), body: await response.text() };
}

function isEvents({ headers }: Pick<PlainAnswer, 'headers'>): boolean {
	return headers['content-type'] === 'text/event-stream';
}

/** Each body is one JSON-RPC response. */
function arrayOf(answers: readonly PlainAnswer[]): string {
	return `[${answers.map(({ body }) => body).join(',')}]`;
}

function framesOf(answer: PlainAnswer): string {
	// Safe because all bodies of other types are JSON-RPC errors.
	return isEvents(answer) ? answer.body : messageFrame(JSON.parse(answer.body) as object);
}

/** Merges the streams of calls frame by frame, no faster than the client reads. */
function mergedStream(
	opening: string,
	streams: readonly Streaming[],
	{ platform, report }: RequestOrigin,
): ReadableStream<Frames> {
	const readers = streams.map(({ body }) => body.getReader());
	const keepAlive = (promise: Promise<unknown>): void => {
		const reported = promise.catch(report);
		platform?.waitUntil(reported);
	};
	const writer = new ClientWriter(() => {
		for (const reader of readers) keepAlive(reader.cancel());
	});
	if (opening !== '') writer.write(encodeFrames(opening));
	let turn = Promise.resolve();
	// One after the other: together the responses may be larger than what is buffered for a client.
	const write = (frames: Frames): Promise<void> =>
		(turn = turn.then(async () => {
			await writer.drained;
			writer.write(frames);
		}));
	const forward = async (reader: ReadableStreamDefaultReader<Frames>): Promise<void> => {
		let rest: Frames = new Uint8Array();
		for (let next = await reader.read(); !next.done; next = await reader.read()) {
			const bytes = concat(rest, next.value);
			const end = endOfFrames(bytes);
			rest = bytes.slice(end);
			if (end > 0) await write(bytes.slice(0, end));
		}
	};
	const forwardAll = async (): Promise<void> => {
		const results = await Promise.allSettled(readers.map(forward));
		for (const result of results) if (result.status === 'rejected') report(result.reason);
		await writer.close();
	};
	keepAlive(forwardAll());
	return bodyOf(writer.readable);
}

const NEWLINE = 0x0a;
const COLON = 0x3a;

/**
 * Returns the index after the last complete frame, or the comments after it, which one line feed ends. A
 * pipe of the platform may cut a frame in two.
 */
function endOfFrames(bytes: Frames): number {
	let end = bytes.length;
	while (end > 0 && !(bytes[end - 1] === NEWLINE && bytes[end - 2] === NEWLINE)) end -= 1;
	while (bytes[end] === COLON) {
		const lineEnd = bytes.indexOf(NEWLINE, end);
		if (lineEnd === -1) break;
		end = lineEnd + 1;
	}
	return end;
}

function concat(first: Frames, second: Frames): Frames {
	if (first.length === 0) return second;
	const both = new Uint8Array(first.length + second.length);
	both.set(first);
	both.set(second, first.length);
	return both;
}
