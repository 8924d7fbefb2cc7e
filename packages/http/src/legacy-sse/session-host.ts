import { messageFrame } from '@tmcp-sessions/core/backend';
import { hasSessionExpiry } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';
import type { SseTransport } from '@tmcp/transport-sse';

import { ENDED } from '../calls/in-flight-call.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import { routedRequest } from '../endpoint/routed-request.ts';
import { errorMessage } from '../request/http-rejection.ts';
import { isCancellation, isClientResponse, methodOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { accepted, toResponse } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import type { SessionKeepAlive } from '../session/session-keep-alive.ts';
import type { SseComposition } from './legacy-sse.ts';
import type { LiveSessions } from './live-sessions.ts';

/** Hosts sessions, and answers their messages on their streams. */
export interface SessionHost {
	/**
	 * Begins a session, whose stream is opened next.
	 *
	 * @returns the answer to the client if the session cannot begin.
	 */
	begin(context: RequestContext): Promise<Answer | undefined>;
	/**
	 * Accepts a checked message of a session whose id is verified.
	 *
	 * @returns a 202 at once. The response is sent on the stream.
	 * @throws {HttpRejection} 404 if the stream has ended.
	 */
	accept(context: RequestContext, message: JsonObject): Promise<Answer>;
	/** Creates the keep-alive of an open stream's session, if the session expires here. */
	createKeepAlive?(context: RequestContext): SessionKeepAlive | undefined;
	/** Ends a session whose stream has ended. */
	end(context: RequestContext): Promise<void>;
}

/** What sessions that live here depend on. */
export interface OwnSessionsDeps<Custom extends Record<string, unknown> | undefined> {
	readonly transport: SseTransport<Custom>;
	readonly live: LiveSessions;
	readonly streams: StreamSessionManager;
	readonly info: InfoSessionManager;
	readonly calls: InFlightCalls;
	readonly createCustom: ((request: Request) => Custom | Promise<Custom>) | undefined;
	/** Where the transport takes messages. */
	readonly endpoint: string;
}

/** Hosts sessions whose messages are answered here. */
export class OwnSessions<
	Custom extends Record<string, unknown> | undefined,
> implements SessionHost {
	readonly #deps: OwnSessionsDeps<Custom>;

	constructor(deps: OwnSessionsDeps<Custom>) {
		this.#deps = deps;
	}

	/** The stream is all that a session needs. */
	async begin(): Promise<undefined> {}

	async accept(context: RequestContext, message: JsonObject): Promise<Answer> {
		const { calls, createCustom, live } = this.#deps;
		const { origin, sessionId } = context;
		await live.require(sessionId, methodOf(message) === 'initialize');
		if (isClientResponse(message) || isCancellation(message)) {
			await calls.deliver(sessionId, message);
		} else {
			const custom = origin.request && (await createCustom?.(origin.request));
			// Not awaited: a client may wait for the 202 before it sends its next message, such as the
			// response to a server request of this call.
			context.waitUntil(this.#handle(context, message, custom));
			calls.watch(context);
		}
		return accepted();
	}

	/** The session's metadata must live as long as the stream, or the stream ends with it. */
	createKeepAlive({ sessionId }: RequestContext): SessionKeepAlive | undefined {
		const { info } = this.#deps;
		if (!hasSessionExpiry(info)) return undefined;
		// Before `initialize` there is no metadata that could have ended.
		let hadMetadata = false;
		const isLive = async (): Promise<boolean> => {
			const hasMetadata = await info.keepAlive(sessionId);
			const hasEnded = hadMetadata && !hasMetadata;
			hadMetadata ||= hasMetadata;
			return !hasEnded;
		};
		return { idleMs: info.idleMs, isLive };
	}

	async end({ sessionId }: RequestContext): Promise<void> {
		const { calls, info } = this.#deps;
		await Promise.all([
			(async () => info.delete(sessionId))(),
			calls.deliver(sessionId, { method: ENDED }),
		]);
	}

	/** Has the server respond on the stream. */
	async #handle(
		context: RequestContext,
		message: JsonObject,
		custom: Custom | undefined,
	): Promise<void> {
		const { endpoint, streams, transport } = this.#deps;
		const { messageId, progress, sessionId } = context;
		try {
			const answer = await transport.respond(
				new Request(new URL(endpoint, 'http://localhost'), {
					method: 'POST',
					headers: { 'content-type': 'application/json', 'mcp-session-id': sessionId },
					body: JSON.stringify(message),
				}),
				custom,
			);
			if (!answer || answer.status < 400) return;
			context.report(new Error(`the transport could not answer: ${await answer.text()}`));
			if (messageId === undefined) return;
			const error = errorMessage(undefined, messageId);
			await streams.send([sessionId], messageFrame(error));
		} finally {
			progress.markHandled();
		}
	}
}

/** Hosts sessions that live elsewhere, by sending on what concerns them. */
export class RoutedSessions implements SessionHost {
	readonly #route: NonNullable<SseComposition['route']>;

	constructor(route: NonNullable<SseComposition['route']>) {
		this.#route = route;
	}

	async begin(context: RequestContext): Promise<Answer | undefined> {
		const answer = toResponse(await this.#send('initialize', context));
		if (!answer.ok) return answer;
		await answer.body?.cancel();
		return undefined;
	}

	accept(context: RequestContext, message: JsonObject): Promise<Answer> {
		return this.#send('session', context, JSON.stringify(message));
	}

	async end(context: RequestContext): Promise<void> {
		const answer = toResponse(await this.#send('session', context, undefined, 'DELETE'));
		if (!answer.ok) throw new Error(`ending a session: ${answer.status} ${await answer.text()}`);
		await answer.body?.cancel();
	}

	#send(
		kind: 'initialize' | 'session',
		{ origin, session }: RequestContext,
		body?: string,
		method?: string,
	): Promise<Answer> {
		const { request } = origin;
		if (!request) throw new TypeError('expected a request over HTTP; got an RPC');
		const sent = method === undefined ? request : new Request(request.url, { method });
		return this.#route.send(routedRequest(kind, sent, origin, session, body));
	}
}
