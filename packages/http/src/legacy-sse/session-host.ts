import { messageFrame } from '@tmcp-sessions/core/backend';
import { hasSessionExpiry } from '@tmcp-sessions/core/internal';
import { errorMessage, rejectionDetailOf } from '../request/http-rejection.ts';
import { isClientResponse, methodOf } from '../request/json-rpc.ts';
import { isCancellation } from '../calls/in-flight-calls.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { SessionKeepAlive } from '../session/session-keep-alive.ts';
import type { SseSeams } from './sse-seams.ts';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';
import type { SseTransport } from '@tmcp/transport-sse';

import type { LiveSessions } from './live-sessions.ts';

/** Where sessions are kept, and answered on the streams that they are. */
export interface SessionHost {
	/**
	 * A session begins: its stream is opened next.
	 *
	 * @returns what its client is told where it cannot be.
	 */
	begin(request: Request, work: RequestContext): Promise<Response | undefined>;
	/**
	 * Takes a well-formed message of a session whose id is right.
	 *
	 * @returns a 202 at once; the answer comes on the stream.
	 * @throws {HttpRejection} 404, where the stream has ended.
	 */
	take(request: Request, work: RequestContext, message: JsonObject): Promise<Response>;
	/** How the session of an open stream is looked after, where that is done here. */
	watch?(work: RequestContext): SessionKeepAlive | undefined;
	/** The stream of a session has ended, and so has the session. */
	end(request: Request, work: RequestContext): Promise<void>;
}

/** What sessions that are kept here depend on. */
export interface OwnSessionsParts<Custom extends Record<string, unknown> | undefined> {
	readonly transport: SseTransport<Custom>;
	readonly live: LiveSessions;
	readonly streams: StreamSessionManager;
	readonly info: InfoSessionManager;
	readonly calls: InFlightCalls;
	readonly context: ((request: Request) => Custom | Promise<Custom>) | undefined;
	/** Where the transport takes messages. */
	readonly endpoint: string;
}

/** Sessions whose messages are answered here. */
export class OwnSessions<
	Custom extends Record<string, unknown> | undefined,
> implements SessionHost {
	readonly #parts: OwnSessionsParts<Custom>;

	constructor(parts: OwnSessionsParts<Custom>) {
		this.#parts = parts;
	}

	/** Its stream is all that it needs. */
	async begin(): Promise<undefined> {}

	async take(request: Request, work: RequestContext, message: JsonObject): Promise<Response> {
		const { calls, context, live } = this.#parts;
		await live.require(work.sessionId, methodOf(message) === 'initialize');
		if (isClientResponse(message) || isCancellation(message)) {
			await calls.deliver(work.sessionId, message);
		} else {
			const custom = await context?.(request);
			// Nobody waits for it: a client may send its next message, such as the answer to a question
			// of this call, only when this one was accepted.
			work.waitUntil(this.#handle(work, message, custom));
			calls.watch(work);
		}
		return new Response(null, { status: 202 });
	}

	/** What is known of a client lasts as long as its stream, or the stream ends with it. */
	watch({ sessionId }: RequestContext): SessionKeepAlive | undefined {
		const { info } = this.#parts;
		if (!hasSessionExpiry(info)) return undefined;
		// Before `initialize` there is nothing that could have ended.
		let wasKnown = false;
		const isLive = async (): Promise<boolean> => {
			const isKnown = (await info.getClientCapabilities(sessionId)) !== undefined;
			const isGone = wasKnown && !isKnown;
			wasKnown ||= isKnown;
			return !isGone;
		};
		return { idleMs: info.idleMs, isLive };
	}

	async end(_request: Request, { sessionId }: RequestContext): Promise<void> {
		const { calls, info } = this.#parts;
		await Promise.all([(async () => info.delete(sessionId))(), calls.end(sessionId)]);
	}

	/** Lets the server answer on the stream. */
	async #handle(
		work: RequestContext,
		message: JsonObject,
		custom: Custom | undefined,
	): Promise<void> {
		const { endpoint, streams, transport } = this.#parts;
		try {
			const answer = await transport.respond(
				new Request(new URL(endpoint, 'http://localhost'), {
					method: 'POST',
					headers: { 'content-type': 'application/json', 'mcp-session-id': work.sessionId },
					body: JSON.stringify(message),
				}),
				custom,
			);
			if (!answer || answer.status < 400) return;
			work.report(new Error(`the transport could not answer: ${await answer.text()}`));
			if (work.messageId === undefined) return;
			const error = errorMessage(rejectionDetailOf(undefined), work.messageId);
			await streams.send([work.sessionId], messageFrame(error));
		} finally {
			work.finish();
		}
	}
}

/** Sessions that are kept elsewhere: what concerns them is sent there. */
export class RoutedSessions implements SessionHost {
	readonly #route: NonNullable<SseSeams['route']>;

	constructor(route: NonNullable<SseSeams['route']>) {
		this.#route = route;
	}

	async begin(request: Request, work: RequestContext): Promise<Response | undefined> {
		const answer = await this.#send('initialize', request, work);
		if (!answer.ok) return answer;
		await answer.body?.cancel();
		return undefined;
	}

	take(request: Request, work: RequestContext, message: JsonObject): Promise<Response> {
		return this.#send('session', request, work, JSON.stringify(message));
	}

	async end({ url }: Request, work: RequestContext): Promise<void> {
		const answer = await this.#send('session', new Request(url, { method: 'DELETE' }), work);
		if (!answer.ok) throw new Error(`ending a session: ${answer.status} ${await answer.text()}`);
		await answer.body?.cancel();
	}

	#send(
		kind: 'initialize' | 'session',
		request: Request,
		work: RequestContext,
		body?: string,
	): Promise<Response> {
		const { sessionId, principal, auth, headers } = work;
		const context = work.context ?? { waitUntil: (late) => work.waitUntil(late) };
		return this.#route.send({
			...{ kind, request, sessionId, principal, auth },
			headers,
			body,
			context,
		});
	}
}
