import {
	closingFrame,
	isCallStream,
	knowsPolling,
	messageFrame,
} from '@tmcp-sessions/core/backend';

import { observeStream } from '../telemetry/observe-stream.ts';
import { isHandledAtOnce } from '../calls/answered-at-once.ts';
import { errorMessage, hasEndedSession, HttpRejection } from '../request/http-rejection.ts';
import type { RequestContext } from '../request/request-context.ts';
import { keepSessionAlive } from '../session/session-keep-alive.ts';
import type { SessionKeepAlive } from '../session/session-keep-alive.ts';
import type { Answer, PlainAnswer } from './answer.ts';
import { ClientWriter } from './client-writer.ts';
import { completeAnswer } from './complete-answer.ts';
import { clientFrame, decodeFrames, encodeFrames, KEEP_ALIVE } from './frames.ts';
import type { Frames } from './frames.ts';
import type { ListeningStream } from './listening-stream.ts';

/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

type Reader = ReadableStreamDefaultReader<Frames>;
type Read = Promise<ReadableStreamReadResult<Frames>>;

/** How a stream is served. */
export interface StreamOptions {
	/** The longest time without a byte, in milliseconds. */
	readonly keepAliveMs: number;
	/** Called if the call is not answered at once. */
	readonly onLasting?: (() => void) | undefined;
	/** Whether the source bounds the stream: it is then read no faster than the client reads. */
	readonly isPaced?: boolean | undefined;
	/** The manager's end of the stream, if no other stream is between the transport's and the client's. */
	readonly listening?: ListeningStream | undefined;
	/** Keeps the session of the stream alive. */
	readonly session?: SessionKeepAlive | undefined;
}

/**
 * Answers with the transport's stream. Waits for the first frame before any header is sent: by then
 * the stream is registered, and a failure can still have its own status. A call that is answered
 * at once gets a complete body; a longer one is streamed, with keep-alives.
 *
 * @param streamed the transport's response, for its status and headers.
 * @param body its frames.
 * @throws what ended the stream before its first frame.
 */
export async function streamAnswer(
	streamed: Response,
	body: ReadableStream<Frames>,
	context: RequestContext,
	options: StreamOptions,
): Promise<Answer> {
	const { progress } = context;
	const reader = body.getReader();
	const ready: Frames[] = [];
	let read = reader.read();
	let hasStarted = false;
	if (!context.isListening && !(await isHandledAtOnce(progress, read))) options.onLasting?.();
	const { promise: expired, resolve: expire } = Promise.withResolvers<undefined>();
	// The timer also keeps workerd from ending the request as hung while it awaits another request.
	const timer = progress.isHandled ? undefined : setTimeout(expire, options.keepAliveMs);
	progress.onPrimed(() => expire(undefined));
	try {
		for (;;) {
			const next = await (timer ? Promise.race([read, expired]) : read);
			if (next?.done) {
				const { response } = progress;
				if (response) return completeAnswer(response, context);
				return ready.length === 0 && resumesCall(context)
					? nothingLeft(streamed)
					: new Response(concat(ready), streamed);
			}
			ready.push(next ? clientFrame(next.value) : openingOf(context));
			if (next) read = reader.read();
			// Once the server has handled the message, the transport ends its stream in the same turn.
			if (!next || !progress.isHandled) {
				hasStarted = true;
				return stream(streamed, ready, reader, read, context, options);
			}
		}
	} finally {
		clearTimeout(timer);
		if (!hasStarted) progress.resumable?.abandon();
	}
}

/**
 * Answers a call as JSON, for a client that does not accept a stream. Frames before the response are
 * dropped, since JSON has no place for them.
 *
 * @throws what ended the call.
 */
export async function collectedAnswer(
	body: ReadableStream<Frames>,
	context: RequestContext,
	{ keepAliveMs, onLasting }: StreamOptions,
): Promise<Answer> {
	const { progress } = context;
	const reader = body.getReader();
	const read = reader.read();
	if (!(await isHandledAtOnce(progress, read))) onLasting?.();
	// As above: workerd ends a request without a timer as hung.
	const timer = progress.isHandled ? undefined : setInterval(() => {}, keepAliveMs);
	try {
		for (let next = await read; !next.done; next = await reader.read());
	} finally {
		clearInterval(timer);
	}
	if (!progress.response || progress.signal.aborted) {
		throw cancelled();
	}
	return completeAnswer(progress.response, context);
}

function stream(
	streamed: Response,
	ready: readonly Frames[],
	reader: Reader,
	next: Read,
	context: RequestContext,
	options: StreamOptions,
): Response {
	const { progress } = context;
	let isCut = false;
	const { promise: ended, resolve: endWith } = Promise.withResolvers<void>();
	const onLeft = (): void => {
		progress.markClientLeft();
		if (context.isListening) context.waitUntil(ended);
		// A listening stream ends with its client. A session's call continues, and so does its timer:
		// workerd ends a request as hung if it awaits another request without one.
		if (!context.endsWithClient || isCut) return;
		context.waitUntil(reader.cancel());
		// Lets a cancelled call clean up.
		if (context.messageId !== undefined && !context.isListening) {
			context.waitUntil(progress.handled);
		}
	};
	// The platform calls this outside of the request, in whose scope managers find their state.
	const writer = new ClientWriter(() => context.run(onLeft), options.listening !== undefined);
	progress.onPrimed(() => writer.write(openingOf(context)));
	if (options.isPaced) {
		// The manager has cut the stream and reported why, unless the session ended while the stream opened.
		reader.closed.catch((error: unknown) => {
			if (hasEndedSession(error)) return;
			isCut = true;
			writer.cut();
		});
	}
	for (const frames of ready) writer.write(frames);
	const publishClosed = observeStream(context);
	endWith(
		forward(reader, next, writer, context, options)
			.catch((error: unknown) => {
				if (!isCut) context.report(error);
			})
			.then(publishClosed),
	);
	// An open response keeps its request alive. A promise of `waitUntil` takes 3 KiB for as long as a
	// stream is open (workerd of 2026-11-17), so that of a listening stream follows when its client leaves.
	if (!context.isListening) context.waitUntil(ended);
	return new Response(bodyOf(writer.readable), streamed);
}

/**
 * Works around releases of workerd, such as that of 2026-07-30, that do not cancel a stream of
 * JavaScript when its client disconnects: there the stream goes through a pipe of workerd, whose cost
 * grows with the square of an isolate's streams. Releases that know the flag below cancel it.
 */
export function bodyOf(readable: ReadableStream<Frames>): ReadableStream<Frames> {
	const { IdentityTransformStream: Pipe, Cloudflare: runtime } = globalThis as {
		IdentityTransformStream?: typeof TransformStream<Frames, Frames>;
		Cloudflare?: { compatibilityFlags?: object };
	};
	if (!Pipe || 'expose_draining_reader' in (runtime?.compatibilityFlags ?? {})) return readable;
	return readable.pipeThrough(new Pipe());
}

/** Forwards all frames until the transport or the client ends the stream. */
async function forward(
	reader: Reader,
	first: Read,
	writer: ClientWriter,
	context: RequestContext,
	{ isPaced, keepAliveMs, listening, session }: StreamOptions,
): Promise<void> {
	const { messageId, progress } = context;
	// Skipped while a client does not read, or keep-alives would fill its buffer.
	const keepAlive = setInterval(() => {
		if (writer.isIdle) writer.write(KEEP_ALIVE);
	}, keepAliveMs);
	const cancel = (): void => context.waitUntil(reader.cancel());
	// A client that listens must come back with a new token when this one has expired.
	const expire = (): void => {
		if (knowsPolling(context.protocolVersion)) writer.write(encodeFrames(closingFrame()));
		cancel();
	};
	const expiryMs = context.isListening ? msUntilExpiry(context) : undefined;
	const expiry = expiryMs && setTimeout(expire, expiryMs);
	const stopKeepAlive = session && keepSessionAlive(context, session, cancel);
	const revoked: { rejection?: HttpRejection } = {};
	const stopRecheck = context.origin.recheck?.start(context, (rejection) => {
		revoked.rejection = rejection;
		cancel();
	});
	const finish = async (message: object | undefined): Promise<void> => {
		if (message) writer.write(numbered(encodeFrames(messageFrame(message)), context));
		// A client that has cancelled the call expects no response, but one that resumes it must get one.
		const isCancelled = !message && progress.signal.aborted;
		progress.resumable?.complete(
			isCancelled ? messageFrame(errorMessage(cancelled(), messageId)) : undefined,
		);
		await writer.close();
	};

	try {
		for (let next = await first; !next.done; next = await nextOf(reader, writer, listening)) {
			writer.write(numbered(clientFrame(next.value), context));
			if (isPaced) await writer.drained;
		}
		// A call ends with the error. A client that listens gets it when it opens another stream.
		const { rejection } = revoked;
		const isCall = messageId !== undefined && !context.isListening;
		await finish(rejection && isCall ? errorMessage(rejection, messageId) : progress.response);
	} catch (error) {
		// The status has been sent: the error goes to the stream.
		await finish(messageId === undefined ? undefined : errorMessage(error, messageId));
		throw error;
	} finally {
		clearInterval(keepAlive);
		clearTimeout(expiry);
		stopKeepAlive?.();
		stopRecheck?.();
	}
}

/** Reads the next frame, and lets a session's messages bypass the reader once it has read all others. */
function nextOf(reader: Reader, writer: ClientWriter, listening?: ListeningStream): Read {
	const wasEmpty = listening?.isEmpty;
	const reading = reader.read();
	if (wasEmpty) listening?.connect(writer);
	return reading;
}

/** Returns the first frame of a stream that has nothing to send yet. */
function openingOf({ progress, protocolVersion }: RequestContext): Frames {
	const { resumable } = progress;
	return resumable && knowsPolling(protocolVersion) ? encodeFrames(resumable.priming) : KEEP_ALIVE;
}

/** Returns a frame with its event id, if the stream is resumable. */
function numbered(frames: Frames, { progress }: RequestContext): Frames {
	const { resumable } = progress;
	return resumable ? encodeFrames(resumable.add(decodeFrames(frames))) : frames;
}

/** Whether the request resumes the stream of a call. */
function resumesCall({ lastEventId, origin }: RequestContext): boolean {
	return origin.method === 'GET' && lastEventId !== undefined && isCallStream(lastEventId);
}

/**
 * Creates the answer to a client that resumes a call and has everything. A stream without events would
 * make it reconnect again and again; after a 204, clients stop (HTML standard, server-sent events).
 */
function nothingLeft({ headers }: Response): PlainAnswer {
	const session = headers.get('mcp-session-id');
	return { status: 204, headers: session === null ? {} : { 'mcp-session-id': session }, body: '' };
}

/** Creates the error of a call that its client has cancelled. */
function cancelled(): HttpRejection {
	return new HttpRejection(200, -32001, 'The call was cancelled');
}

/** Returns the time until the caller's token expires, if it is known and fits a timer. */
function msUntilExpiry({ origin }: RequestContext): number | undefined {
	const expiresAt = origin.auth?.expiresAt;
	if (expiresAt === undefined) return undefined;
	const ms = expiresAt * 1000 - Date.now();
	return ms < MAX_TIMER_MS ? Math.max(ms, 1) : undefined;
}

function concat(frames: readonly Frames[]): Blob | Frames | null {
	if (frames.length <= 1) return frames[0] ?? null;
	return new Blob([...frames]);
}
