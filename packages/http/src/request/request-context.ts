import { currentScope } from '@tmcp-sessions/core/backend';
import type { IssuedSession, RequestScope } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';
import type { AuthInfo } from 'tmcp';

import type { CallProgress } from '../calls/call-progress.ts';
import type { ExecutionContextLike } from '../options.ts';
import { principalOf } from '../session/authenticator.ts';
import { parseJsonRpc } from '../validation/absent-fields.ts';
import type { CachedHeaders } from './cached-headers.ts';
import { hasEndedSession } from './http-rejection.ts';
import type { HttpRejection } from './http-rejection.ts';

/** The format of an answer: one JSON object, or a stream of events. */
export type ResponseType = 'json' | 'sse';

/** A request before its message is read. */
export interface RequestOrigin {
	/** The platform's request. Undefined if the request came by RPC. */
	readonly request: Request | undefined;
	/** The HTTP method. */
	readonly method: string;
	readonly headers: CachedHeaders;
	/** What the OAuth helper returned for the caller. */
	readonly auth: AuthInfo | null;
	/** Whom the request was authorized for. Empty if sessions belong to no principal. */
	readonly principal: string;
	/** The platform's context. Without one, the process itself keeps promises alive. */
	readonly platform: ExecutionContextLike | undefined;
	/** Picks the shard of what the request opens. */
	readonly pickShard: () => string;
	/** Identifies the client of a request without a principal, whose open streams are bounded. */
	readonly clientOf?: ((request: Request) => string | undefined) | undefined;
	/** Returns the secrets for what the client carries. */
	readonly secrets?: CarriedSecrets | undefined;
	/** Authenticates the caller again while a stream is open. */
	readonly recheck?: CallerRecheck | undefined;
	/** Reports an error, and the session that it concerns. */
	readonly report: (error: unknown, session?: string) => void;
}

/**
 * Returns the secrets for what clients carry, of which a first one may be created `to` seal.
 *
 * @throws {TmcpSessionsError} `configuration` if the host of the request needs keys that are missing.
 */
export type CarriedSecrets = (
	to: 'open' | 'seal',
	request: Request | undefined,
) => readonly string[] | undefined;

/** Authenticates the callers of open streams again. */
export interface CallerRecheck {
	/**
	 * Starts to authenticate the caller of a stream from time to time.
	 *
	 * @param onRevoked called once, when the caller is not authorized any more or is another one.
	 * @returns stops that.
	 */
	start(context: RequestContext, onRevoked: (rejection: HttpRejection) => void): () => void;
}

/** What validation and the session add to the origin of a request. */
export interface RequestDetails {
	/** The message, parsed. */
	readonly message?: unknown;
	/** The text of `message`, if it is exactly what the client sent. */
	readonly text?: string | undefined;
	/** The id of a request. Notifications and responses have none. */
	readonly messageId?: string | number | undefined;
	/** The session that the message belongs to or opens. */
	readonly session?: IssuedSession | undefined;
	/** The format of the answer that the client accepts. Default: `sse`. */
	readonly responseType?: ResponseType | undefined;
	/** Whether a POST opens a stream that outlives the handling of its message. */
	readonly isListening?: boolean | undefined;
	/** Whether the message belongs to the stateless era. */
	readonly isStateless?: boolean | undefined;
	/** Whether other messages are answered on the same stream, which therefore cannot be resumed. */
	readonly isBatched?: boolean | undefined;
	/** The last event that the client received of the stream that it resumes. */
	readonly lastEventId?: string | undefined;
	/** The revision that the client speaks, if its transport determines it. */
	readonly protocolVersion?: string | undefined;
}

/**
 * One validated request, before the server gets its message. Immutable: what happens to the message
 * afterwards is in `progress`.
 */
export class RequestContext implements RequestScope {
	readonly origin: RequestOrigin;
	readonly headers: CachedHeaders;
	readonly principal: string;
	readonly text: string | undefined;
	readonly messageId: string | number | undefined;
	readonly session: IssuedSession | undefined;
	readonly responseType: ResponseType;
	readonly isStateless: boolean;
	readonly isBatched: boolean;
	/** Whether the request may open a stream that outlives the handling of its message. */
	readonly isListening: boolean;
	/** Whether the request ends when its client disconnects. A session's call continues. */
	readonly endsWithClient: boolean;
	readonly lastEventId: string | undefined;
	/** How far the server has come with the message. */
	readonly progress: Readonly<CallProgress>;

	#message: unknown;
	/** Whether the server has the message, and may change it. */
	#isTaken = false;
	readonly #protocolVersion: string | undefined;
	#shard: string | undefined;

	constructor(origin: RequestOrigin, details: RequestDetails, progress: CallProgress) {
		this.origin = origin;
		this.headers = origin.headers;
		this.principal = origin.principal;
		this.#message = details.message;
		this.text = details.text;
		this.messageId = details.messageId;
		this.session = details.session;
		this.responseType = details.responseType ?? 'sse';
		this.isStateless = details.isStateless === true;
		this.isBatched = details.isBatched === true;
		const isBodyless = origin.method !== 'POST';
		this.isListening = isBodyless || details.isListening === true;
		this.endsWithClient = isBodyless || this.isStateless;
		this.lastEventId = details.lastEventId;
		this.#protocolVersion = details.protocolVersion;
		this.progress = progress;
	}

	/** The message as its client sent it, also after the server has changed its own. */
	get message(): unknown {
		// Hot path: parsed once more only for a request state, which is bound to the message.
		if (this.#isTaken && this.text !== undefined) this.#message = parseJsonRpc(this.text);
		this.#isTaken = false;
		return this.#message;
	}

	/** Returns the message for the server: of a stateless request, an object that nothing else uses. */
	takeMessage(): unknown {
		const { message } = this;
		this.#isTaken = this.isStateless;
		return message;
	}

	/** The internal id of the session. Empty if there is none. */
	get sessionId(): string {
		return this.session?.internalId ?? '';
	}

	/** The revision that the client names. Clients before 2025-06-18 name it at `initialize` only. */
	get protocolVersion(): string | undefined {
		return (
			this.#protocolVersion ??
			this.headers.get('mcp-protocol-version') ??
			this.session?.protocolVersion
		);
	}

	/** The subject of the principal. Only a new session needs it. */
	get subject(): string | undefined {
		return principalOf(this.principal)?.subject;
	}

	/** Whose open streams and subscriptions are bounded together. Most requests open nothing. */
	get client(): string | undefined {
		const { clientOf, request } = this.origin;
		if (this.principal || !clientOf || !request) return this.principal || undefined;
		const client = clientOf(request);
		// Differs from every principal, which is a JSON array.
		return client ? `client ${client}` : undefined;
	}

	/** The shard of what the request opens, picked once. Most requests open nothing. */
	get shard(): string {
		return (this.#shard ??= this.origin.pickShard());
	}

	secrets(to: 'open' | 'seal'): readonly string[] {
		return this.origin.secrets?.(to, this.origin.request) ?? [];
	}

	/** Runs a function in the scope of this request. */
	run<Result>(callback: () => Result): Result {
		return runInScope(this, callback);
	}

	/** Keeps the request alive until a promise has settled, and reports it if it rejects. */
	waitUntil(promise: Promise<unknown>): void {
		const reported = promise.catch((error: unknown) => this.report(error));
		this.origin.platform?.waitUntil(reported);
	}

	/** Reports an error of this request. That its session has ended meanwhile is none. */
	report(error: unknown): void {
		if (hasEndedSession(error)) return;
		this.origin.report(error, this.sessionId);
	}
}

/** Returns the request that this code runs for. */
export function currentContext(): RequestContext | undefined {
	const scope = currentScope();
	return scope instanceof RequestContext ? scope : undefined;
}

/** Whether this code runs for a message that the server answers without a client. */
export function isBackgroundCall(): boolean {
	return currentContext()?.progress.onFrame !== undefined;
}
