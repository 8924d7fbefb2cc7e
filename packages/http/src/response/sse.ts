import { messageFrame } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';

import { completeResponse, jsonAnswer } from './buffered.ts';
import { errorMessage, HttpRejection, rejectionDetailOf } from '../request/http-rejection.ts';
import type { RequestContext } from '../request/request-context.ts';
import { ClientWriter } from './client-writer.ts';
import { keepSessionAlive } from '../session/session-keep-alive.ts';
import { isAnsweredAtOnce } from '../calls/turns.ts';

/** One or more SSE frames, encoded. */
export type Frames = Uint8Array<ArrayBuffer>;

/** The first revision whose clients know a priming event. */
const PRIMING_SINCE = '2025-11-25';

/** Longer ones fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

type Reader = ReadableStreamDefaultReader<Frames>;
type Read = Promise<ReadableStreamReadResult<Frames>>;

const encoder = new TextEncoder();

/** A comment: clients skip it, connections stay up, and a dead one is found by writing it. */
const KEEP_ALIVE: Frames = encoder.encode(': keep-alive\n\n');

/**
 * An answer that lives as long as its work. Waits for the first frame before any header goes out:
 * by then a stream is registered, and a failure can still have a status of its own. An answer that
 * is complete at once gets a plain body; a longer one is pumped to the client, with heartbeats.
 *
 * @param answer the transport's answer, for its status and headers.
 * @param body the frames of that answer.
 * @param keepAliveMs the longest time without a byte on a stream.
 * @param onLasting told where a call is not answered at once.
 * @throws what ended the stream before its first frame.
 */
export async function liveResponse(
	answer: Response,
	body: ReadableStream<Frames>,
	work: RequestContext,
	keepAliveMs: number,
	onLasting: () => void,
): Promise<Response> {
	const reader = body.getReader();
	const frames: Frames[] = [];
	let read = reader.read();
	if (!work.isListening && !(await isAnsweredAtOnce(work, read))) onLasting();
	// Also what keeps workerd from ending, as hung, a request that waits for another request only.
	const quiet = work.isHandled ? undefined : deadline(keepAliveMs);
	if (quiet) work.onPrimed = quiet.expire;
	try {
		for (;;) {
			const next = await (quiet ? Promise.race([read, quiet.expired]) : read);
			if (next === 'expired') {
				return streamResponse(answer, [openingOf(work)], reader, read, work, keepAliveMs);
			}
			if (next.done) return completeResponse(answer, work) ?? new Response(joined(frames), answer);
			frames.push(next.value);
			read = reader.read();
			// Once the server is through, the transport ends its stream in the same turn.
			if (!work.isHandled) return streamResponse(answer, frames, reader, read, work, keepAliveMs);
		}
	} finally {
		quiet?.clear();
	}
}

/**
 * The answer of a call as JSON, for a client that takes no stream: the response alone, since nothing
 * else has a place in it.
 *
 * @throws what ended the call.
 */
export async function jsonResponse(
	answer: Response,
	body: ReadableStream<Frames>,
	work: RequestContext,
	keepAliveMs: number,
	onLasting: () => void,
): Promise<Response> {
	const reader = body.getReader();
	const read = reader.read();
	if (!(await isAnsweredAtOnce(work, read))) onLasting();
	// As above: a request that waits for another request only would be ended as hung.
	const quiet = work.isHandled ? undefined : setInterval(() => {}, keepAliveMs);
	try {
		for (let next = await read; !next.done; next = await reader.read());
	} finally {
		clearInterval(quiet);
	}
	if (!work.response || work.signal.aborted) {
		throw new HttpRejection({ status: 200, code: -32001, message: 'The call was cancelled' });
	}
	return jsonAnswer(answer, work.response, work);
}

function streamResponse(
	answer: Response,
	ready: readonly Frames[],
	reader: Reader,
	next: Read,
	work: RequestContext,
	keepAliveMs: number,
): Response {
	let isCut = false;
	const leave = (): void => {
		work.onClientLeft();
		// A stream that only listens ends with its client. A session's call goes on, and so does the
		// timer: one that waits for another request would be ended as hung.
		if (!work.endsWithClient || isCut) return;
		work.waitUntil(reader.cancel());
		// A call that was cancelled may have something to put in order.
		if (work.messageId !== undefined && !work.isListening) work.waitUntil(work.handled);
	};
	// The platform says it outside of the request, by whose scope managers find what it holds.
	const outlet = new ClientWriter(() => runInScope(work, leave));
	work.onPrimed = () => outlet.write(openingOf(work));
	// Its manager has cut it, and told why: there is nobody who takes the rest.
	if (work.isPaced) {
		reader.closed.catch(() => {
			isCut = true;
			outlet.cut();
		});
	}
	for (const frames of ready) outlet.write(primingFor(frames, work));
	const pumping = pump(reader, next, outlet, work, keepAliveMs);
	const handing = pumping.catch((error: unknown) => {
		if (!isCut) throw error; // Whoever cut it has told why.
	});
	work.waitUntil(handing);
	return new Response(bodyOf(outlet.readable), answer);
}

/**
 * The stream itself, but on releases of workerd that tell nobody when its client has left, such as that
 * of 2026-07-30: there it goes through workerd's own pipe, whose cost grows with the square of an
 * isolate's streams. Releases that know this flag have another way to read streams, and tell.
 */
function bodyOf(readable: ReadableStream<Frames>): ReadableStream<Frames> {
	const { IdentityTransformStream: Pipe, Cloudflare: runtime } = globalThis as {
		IdentityTransformStream?: typeof TransformStream<Frames, Frames>;
		Cloudflare?: { compatibilityFlags?: object };
	};
	if (!Pipe || 'expose_draining_reader' in (runtime?.compatibilityFlags ?? {})) return readable;
	return readable.pipeThrough(new Pipe());
}

/** Hands on all frames until the transport or the client ends the stream. */
async function pump(
	reader: Reader,
	first: Read,
	outlet: ClientWriter,
	work: RequestContext,
	keepAliveMs: number,
): Promise<void> {
	// A client that does not read gets no heap of heartbeats.
	const heartbeat = setInterval(
		() => void (outlet.isIdle && outlet.write(KEEP_ALIVE)),
		keepAliveMs,
	);
	// Whoever listens must show a new token when this one has expired.
	const expiry = work.isListening ? expiryOf(work) : undefined;
	const cancel = (): void => work.waitUntil(reader.cancel());
	const end = expiry && setTimeout(cancel, expiry);
	const stopWatching = keepSessionAlive(work, cancel);

	try {
		for (let next = await first; !next.done; next = await reader.read()) {
			outlet.write(numbered(next.value, work));
			if (work.isPaced) await outlet.taken;
		}
		if (work.response) outlet.write(numbered(encoder.encode(messageFrame(work.response)), work));
		work.resumableCall?.complete();
		await outlet.close();
	} catch (error) {
		// The status has gone out: what is left is to answer in the stream.
		if (work.messageId !== undefined) {
			outlet.write(numbered(errorFrame(work.messageId, error), work));
			work.resumableCall?.complete();
		}
		await outlet.close();
		throw error;
	} finally {
		clearInterval(heartbeat);
		clearTimeout(end);
		stopWatching();
	}
}

/** What a stream says first where it has nothing to say yet. */
function openingOf(work: RequestContext): Frames {
	const { resumableCall } = work;
	return resumableCall ? primingFor(encoder.encode(resumableCall.priming), work) : KEEP_ALIVE;
}

/**
 * A priming event as its client takes it: before 2025-11-25 nobody knew it, and its empty data would
 * be a broken message.
 */
function primingFor(frame: Frames, { protocolVersion = '', sessionId }: RequestContext): Frames {
	if (!sessionId || protocolVersion >= PRIMING_SINCE) return frame;
	const text = new TextDecoder().decode(frame);
	return encoder.encode(text.replace(/^(id: \S+\nretry: \d+\n)data: \n\n/, '$1\n'));
}

/** A frame with its id, where the stream can be resumed. */
function numbered(frames: Frames, work: RequestContext): Frames {
	const { resumableCall } = work;
	if (!resumableCall) return primingFor(frames, work);
	return encoder.encode(resumableCall.add(new TextDecoder().decode(frames)));
}

/** Milliseconds until the caller's token expires, where that is known and near enough for a timer. */
function expiryOf({ auth }: RequestContext): number | undefined {
	if (auth?.expiresAt === undefined) return undefined;
	const ms = auth.expiresAt * 1000 - Date.now();
	return ms < MAX_TIMER_MS ? Math.max(ms, 1) : undefined;
}

function errorFrame(id: string | number, error: unknown): Frames {
	return encoder.encode(messageFrame(errorMessage(rejectionDetailOf(error), id)));
}

function deadline(ms: number): {
	expired: Promise<'expired'>;
	expire: () => void;
	clear: () => void;
} {
	const { promise: expired, resolve } = Promise.withResolvers<'expired'>();
	const expire = (): void => resolve('expired');
	const timer = setTimeout(expire, ms);
	return { expired, expire, clear: () => clearTimeout(timer) };
}

function joined(frames: readonly Frames[]): Blob | Frames | null {
	if (frames.length <= 1) return frames[0] ?? null;
	return new Blob([...frames]);
}
