import type { StoreError, StreamError } from '@tmcp-sessions/core';
import type { IssuedSession, RequestScope } from '@tmcp-sessions/core/backend';
import type { AuthInfo } from 'tmcp';

import { CallSignal } from '../calls/call-signal.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { ResumableCall } from '../calls/resumable-call.ts';
import type { DirectCall } from '../calls/direct-call.ts';
import type { CompleteAnswer } from '../endpoint/handler-seams.ts';
import type { ResponseType } from '../validation/headers.ts';
import type { JsonObject } from './json-rpc.ts';
import type { ExecutionContextLike } from '../options.ts';
import { CachedHeaders } from './cached-headers.ts';
import type { SessionKeepAlive } from '../session/session-keep-alive.ts';

/** One request and the work that it must outlive. */
export class RequestContext implements RequestScope {
	/** Ends the call, where its client cancels it. */
	readonly signal: CallSignal = new CallSignal();
	/** The request's headers. */
	readonly headers: CachedHeaders;
	/** What the OAuth helper knows of the caller. */
	auth: AuthInfo | null = null;
	/** Whom the request was authorized for; empty where sessions are nobody's. */
	principal = '';
	/** The message, parsed. */
	message: unknown;
	/** The text that it was parsed of; none of one that was made here. */
	text: string | undefined;
	/** What managers call the live session that the message belongs to; empty where there is none. */
	sessionId = '';
	/** The id that its client has for it. */
	publicSessionId = '';
	/** The id of the request that is being answered; a notification and an answer have none. */
	messageId: string | number | undefined;
	/** How the client takes its answer. */
	responseType: ResponseType = 'sse';
	/** Whether the server has the message. */
	hasBegun = false;
	/** Whether the server is through: nothing more will come on a stream than what it holds. */
	isHandled = false;
	/** Why the message must not be handled, or has been in vain: a backend is down. */
	failure: StoreError | StreamError | undefined;
	/** The server's answer, where it was kept from the transport: its response is made of it. */
	response: JsonObject | undefined;
	/** Whether a frame has been put on the stream, so that the answer must follow it there. */
	hasSpoken = false;
	/** Whether this is there to listen: it is not over when its message was handled. */
	isListening = false;
	/** Whether what listens is bounded where it is sent: then it is read no faster than its client reads. */
	isPaced = false;
	/** Whether a client that goes away ends this; a call of a session goes on without it. */
	endsWithClient = false;
	/** How the session of what listens is looked after. */
	watch: SessionKeepAlive | undefined;
	/** Told when a write finds that the client has left. */
	onClientLeft: () => void = () => {};
	/** Numbers what a call says from now on, so that its client can resume it. */
	resumableCall: ResumableCall | undefined;
	/** Told when that begins. */
	onPrimed: () => void = () => {};
	/** The id of the last event that the client saw of the stream that it resumes. */
	lastEventId: string | undefined;
	/** What the server got before the transport did. */
	direct: DirectCall | undefined;
	/** Makes the response of an answer that is complete, where that is another one. */
	complete: CompleteAnswer | undefined;
	/** The revision that the client names. */
	protocolVersion: string | undefined;

	/** The calls of the transport that serves this: another one of the same server has others. */
	readonly calls: InFlightCalls | undefined;

	readonly #findShard: () => string;
	#shard: string | undefined;
	/** What the platform gave with the request. */
	readonly context: ExecutionContextLike | undefined;
	readonly #report: (error: unknown, session: string) => void;
	readonly #begun = Promise.withResolvers<void>();
	/** Settles when the server gets the message: until then the request waits for its own storage. */
	readonly begun: Promise<void> = this.#begun.promise;
	readonly #handled = Promise.withResolvers<void>();
	/** Settles when the server is through with the message of this request. Never rejects. */
	readonly handled: Promise<void> = this.#handled.promise;

	/**
	 * @param findShard says in which shard stands what the request begins.
	 * @param context of the platform; without one, the process itself keeps the work alive.
	 * @param report told of work that rejects, and of the session that it was for.
	 * @param calls of the transport that serves this.
	 */
	constructor(
		headers: Headers,
		findShard: () => string,
		context: ExecutionContextLike | undefined,
		report: (error: unknown, session: string) => void,
		calls?: InFlightCalls,
	) {
		this.calls = calls;
		this.headers = new CachedHeaders(headers);
		this.#findShard = findShard;
		this.context = context;
		this.#report = report;
	}

	/** The same at each look. Most requests begin nothing, and never ask. */
	get shard(): string {
		this.#shard ??= this.#findShard();
		return this.#shard;
	}

	/** Says which session the message belongs to, or opens. */
	enter({ id, internalId, protocolVersion }: IssuedSession): void {
		this.sessionId = internalId;
		this.publicSessionId = id;
		// Clients before 2025-06-18 name it at initialize alone.
		this.protocolVersion ??= protocolVersion;
	}

	waitUntil(work: Promise<unknown>): void {
		const reported = work.catch((error: unknown) => this.report(error));
		this.context?.waitUntil(reported);
	}

	/** Reports what went wrong for this request. */
	report(error: unknown): void {
		this.#report(error, this.sessionId);
	}

	/** Says that the server gets the message now. */
	begin(): void {
		this.hasBegun = true;
		this.#begun.resolve();
	}

	/** Says that the server is through with the message. */
	finish(): void {
		this.isHandled = true;
		this.#handled.resolve();
	}
}
