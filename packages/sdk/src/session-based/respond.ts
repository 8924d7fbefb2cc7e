import { messageFrame } from '@tmcp-sessions/core/backend';
import {
	HttpRejection,
	invalidRequest,
	isObject,
	isWithheld,
	methodOf,
	onAbort,
	readInfo,
	STREAM_HEADERS,
} from '@tmcp-sessions/http/server';
import type { JsonObject, RequestContext } from '@tmcp-sessions/http/server';
import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';

import type { MessageHandling, ReceiveContext } from './handle-message.ts';

const encoder = new TextEncoder();

/** What session-based requests are answered with. */
export interface RespondingDeps {
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	readonly streams: StreamSessionManager;
	readonly subscriptions: SubscriptionManager;
	readonly handling: MessageHandling;
	readonly frames: CallFrames;
}

/** The streams of calls. */
export class CallFrames {
	readonly #streams = new WeakMap<RequestContext, ReadableStreamDefaultController>();

	open(context: RequestContext, controller: ReadableStreamDefaultController): void {
		this.#streams.set(context, controller);
	}

	/** Writes a message to the stream of a call. Frames of promises that outlive their call are dropped. */
	write(context: RequestContext, message: object): void {
		this.#streams.get(context)?.enqueue(encoder.encode(messageFrame(message)));
	}

	close(context: RequestContext): void {
		this.#streams.get(context)?.close();
		this.#streams.delete(context);
	}

	fail(context: RequestContext, error: unknown): void {
		this.#streams.get(context)?.error(error);
		this.#streams.delete(context);
	}
}

/** Answers a request of the session-based era as `HttpTransport` of `@tmcp/transport-http` does. */
export function respond(
	deps: RespondingDeps,
	context: RequestContext,
	message: unknown,
): Response | Promise<Response> {
	switch (context.origin.method) {
		case 'POST':
			return respondToMessage(deps, context, message);
		case 'GET':
			return openStream(deps, context.sessionId);
		case 'DELETE':
			return endSession(deps, context.sessionId);
		default: {
			const { method } = context.origin;
			const headers = { Allow: 'GET, POST, DELETE, OPTIONS' };
			throw new HttpRejection(405, -32601, `HTTP method ${method} is not supported`, { headers });
		}
	}
}

function respondToMessage(
	deps: RespondingDeps,
	context: RequestContext,
	message: unknown,
): Response {
	if (!isObject(message) || message['jsonrpc'] !== '2.0' || methodOf(message) === undefined) {
		throw invalidRequest('Expected a valid JSON-RPC request, notification, or response');
	}
	if (context.messageId !== undefined) return startCall(deps, context, message);
	const receiving = receive(deps, context, message);
	// Reported by what handles the message.
	context.waitUntil(receiving.catch(() => {}));
	return new Response(null, { status: 202 });
}

/** Answers a request with a stream. */
function startCall(deps: RespondingDeps, context: RequestContext, message: JsonObject): Response {
	const { frames } = deps;
	const abort = new AbortController();
	const stream = new ReadableStream({
		start: (controller) => frames.open(context, controller),
		cancel: () => context.progress.signal.abort(),
	});
	onAbort(context.progress.signal, () => {
		abort.abort();
		frames.close(context);
	});
	const answer = async (): Promise<void> => {
		try {
			const response = await receive(deps, context, message, abort.signal);
			if (isObject(response) && !isWithheld(response, context)) frames.write(context, response);
			frames.close(context);
		} catch (error) {
			frames.fail(context, error);
		}
	};
	context.waitUntil(answer());
	const { sessionId } = context;
	const headers = sessionId ? { ...STREAM_HEADERS, 'mcp-session-id': sessionId } : STREAM_HEADERS;
	return new Response(stream, { headers });
}

/** Hands a message to the server, or takes over the call that has begun. */
async function receive(
	{ handling, info }: RespondingDeps,
	context: RequestContext,
	message: JsonObject,
	signal?: AbortSignal,
): Promise<unknown> {
	const { origin, progress, sessionId } = context;
	try {
		if (progress.direct) return await progress.direct.takeOver(signal);
		const opens = methodOf(message) === 'initialize';
		const sessionInfo = info && !opens ? await readInfo(info, sessionId) : undefined;
		// Safe because the caller's auth has the fields that the SDK's has.
		const auth = (origin.auth ?? undefined) as ReceiveContext['auth'];
		return await handling.handle(message, {
			auth,
			signal,
			sessionInfo,
			...(sessionId && { sessionId }),
		});
	} finally {
		progress.markHandled();
	}
}

async function openStream({ streams }: RespondingDeps, session: string): Promise<Response> {
	if (await streams.has(session)) {
		throw new HttpRejection(
			409,
			-32000,
			'Conflict: the session has an open stream; close it, or resume it with Last-Event-ID',
		);
	}
	const stream = new ReadableStream({
		async start(controller) {
			await streams.create(session, controller);
			// Sends the headers at once.
			controller.enqueue(encoder.encode(': connected\n\n'));
		},
		async cancel() {
			await streams.delete(session);
		},
	});
	return new Response(stream, {
		headers: { ...STREAM_HEADERS, 'mcp-session-id': session },
	});
}

async function endSession(
	{ info, streams, subscriptions }: RespondingDeps,
	session: string,
): Promise<Response> {
	await subscriptions.closeAll(session, 'cancelled');
	await streams.delete(session);
	info?.delete(session);
	return new Response(null, { status: 200, headers: { 'mcp-session-id': session } });
}
