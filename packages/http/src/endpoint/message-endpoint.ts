import type { IssuedSession, SessionInfo } from '@tmcp-sessions/core/backend';

import { isHandledAtOnce } from '../calls/answered-at-once.ts';
import { followClient } from '../calls/follow-client.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import { HttpRejection } from '../request/http-rejection.ts';
import {
	echoedIdOf,
	isCancellation,
	isClientResponse,
	isObject,
	methodOf,
	paramsOf,
	requestIdOf,
} from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext, RequestDetails } from '../request/request-context.ts';
import { accepted } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { batchAnswer } from '../response/batch-answer.ts';
import { completeAnswer } from '../response/complete-answer.ts';
import { collectedAnswer, streamAnswer } from '../response/event-stream.ts';
import type { StreamOptions } from '../response/event-stream.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';
import type { SessionKeepAlive } from '../session/session-keep-alive.ts';
import type { SessionLiveness } from '../session/session-liveness.ts';
import { checkBatch, checkBatched, checkBatchRevision } from '../validation/batches.ts';
import { parseMessage } from '../validation/body.ts';
import {
	checkProtocolVersion,
	negotiateResponseType,
	sessionBasedOnly,
} from '../validation/headers.ts';
import { checkIdentifiers, MAX_IDENTIFIER_LENGTH } from '../validation/identifiers.ts';
import { checkIds, checkInitialize } from '../validation/messages.ts';
import {
	checkStatelessRequest,
	checkStatelessVersion,
	declaresStateless,
	isStateless,
	unsupportedVersion,
	withoutStatelessMetadata,
} from '../validation/stateless-requests.ts';
import { checkStoredParams, requiresSessionState } from '../validation/stored-params.ts';
import { answerInScope } from './answer-in-scope.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { Eras } from '../options.ts';
import type { MessageServer, ServerInput } from './message-server.ts';
import type { RequestRouter } from './request-router.ts';
import type { ConnectedExtension } from './server-extension.ts';

/** What the endpoint of messages depends on. */
export interface MessageEndpointDeps<Custom extends Record<string, unknown> | undefined> {
	readonly server: MessageServer<Custom>;
	readonly calls: InFlightCalls;
	/** Takes client responses that belong to no call. */
	readonly extension: Pick<ConnectedExtension, 'takeResponse'> | undefined;
	/** Undefined if the deployment has no sessions. */
	readonly liveness: SessionLiveness | undefined;
	readonly router: RequestRouter | undefined;
	readonly createCustom: ((request: Request) => Custom | Promise<Custom>) | undefined;
	readonly keepAliveMs: number;
	readonly eras: Eras;
	/** Whether the manager bounds GET streams, so that they are read no faster than their client reads. */
	readonly pacesStreams: boolean;
}

/**
 * Applies the protocol's rules to requests of known callers: finds the era, validates the message,
 * finds the session, and has the route or the server answer.
 */
export class MessageEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #deps: MessageEndpointDeps<Custom>;
	/** The stateless revisions that are served here. */
	readonly #stateless: readonly string[];

	constructor(deps: MessageEndpointDeps<Custom>) {
		this.#deps = deps;
		this.#stateless = deps.eras === 'session-based' ? [] : deps.server.statelessRevisions;
	}

	/** Whether the header of a request leaves it to the session-based era, in which a session id counts. */
	usesSessions(headers: CachedHeaders): boolean {
		return this.#deps.eras !== 'stateless' && !declaresStateless(headers, this.#stateless);
	}

	/**
	 * Answers a POST. Errors of the message are answers.
	 *
	 * @throws {HttpRejection} if the text is not a JSON-RPC message with a valid id.
	 */
	async answer(incoming: IncomingRequest, text: string): Promise<Answer> {
		const message = parseMessage(text);
		try {
			if (Array.isArray(message)) return await this.#answerBatch(incoming, message);
			if (isObject(message)) checkIds(message);
			const messageId = requestIdOf(message);
			return await this.#answerMessage(incoming, { text, message, messageId });
		} catch (error) {
			return rejectionAnswer(error, incoming.report, echoedIdOf(message), incoming.request);
		}
	}

	/**
	 * Answers several messages of one POST, which clients of 2025-03-26 may send.
	 *
	 * @throws {HttpRejection} 400 if the batch is invalid or of another revision; as `require` does if
	 * the session is unknown.
	 */
	async #answerBatch(incoming: IncomingRequest, batch: readonly unknown[]): Promise<Answer> {
		const { server } = this.#deps;
		const { headers, session: identified, sessions } = incoming;
		checkBatch(headers, batch);
		if (identified instanceof HttpRejection) throw identified;
		const session = identified ?? (await sessions?.require(incoming));
		checkBatchRevision(session?.protocolVersion);
		const answers = batch.map(async (message) => {
			try {
				checkBatched(headers, message, server.statelessRevisions);
				const details = { message, messageId: requestIdOf(message), isBatched: true };
				return await this.#answerMessage(incoming, details);
			} catch (error) {
				return rejectionAnswer(error, incoming.report, echoedIdOf(message), incoming.request);
			}
		});
		return batchAnswer(await Promise.all(answers), incoming);
	}

	/**
	 * Finds the era of a message. Not async: each layer costs every call a microtask.
	 *
	 * @throws {HttpRejection} if the message is invalid.
	 */
	#answerMessage(incoming: IncomingRequest, received: RequestDetails): Promise<Answer> {
		const { calls, eras, router } = this.#deps;
		const { headers } = incoming;
		const { message, messageId } = received;
		if (!isObject(message)) {
			return answerInScope(calls, incoming, received, (context) => this.#handOver(context));
		}
		// Hot path: no identifier is longer than the text of its message.
		if (!received.text || received.text.length > MAX_IDENTIFIER_LENGTH) checkIdentifiers(message);
		const isListening = messageId !== undefined && message.method === 'subscriptions/listen';
		const responseType =
			messageId === undefined
				? undefined
				: negotiateResponseType(headers, isListening ? ['sse'] : ['sse', 'json']);
		// Hot path: the objects of each message are literals, which spreads would copy slowly.
		const { isBatched, text } = received;
		const details = { text, message, messageId, isBatched, isListening, responseType };
		if (eras === 'session-based') {
			const own = withoutStatelessMetadata(message);
			return this.#answerSession(incoming, own, { ...details, message: own });
		}
		if (!isStateless(headers, message, this.#stateless)) {
			if (eras === 'both') return this.#answerSession(incoming, message, details);
			throw unsupportedVersion(this.#stateless, headers.get('mcp-protocol-version'));
		}
		router?.checkStateless(headers);
		checkStatelessRequest(headers, message);
		// The message decides if only this era is served.
		if (eras === 'both') checkStatelessVersion(headers, message, this.#stateless);
		return this.#routeOrRespond(incoming, { ...details, isStateless: true });
	}

	/** Answers a message of the session-based era. Not async, as above. */
	#answerSession(
		incoming: IncomingRequest,
		message: JsonObject,
		details: RequestDetails,
	): Promise<Answer> {
		const { calls, server } = this.#deps;
		const { headers, session: identified, sessions } = incoming;
		if (message.method === 'initialize') return this.#initialize(incoming, message, details);
		// A client of both eras tries the other one if it gets the code of this rejection.
		if (declaresStateless(headers, server.statelessRevisions)) throw sessionBasedOnly(headers);
		checkProtocolVersion(headers, this.#stateless);
		if (identified instanceof HttpRejection) throw identified;
		const handle = (session: IssuedSession | undefined): Promise<Answer> =>
			answerInScope(calls, incoming, { ...details, session }, (context) =>
				this.#handle(context, message),
			);
		if (identified || !sessions) return handle(identified);
		const required = sessions.require(incoming);
		return required instanceof Promise ? required.then(handle) : handle(required);
	}

	/** Opens a session. */
	async #initialize(
		incoming: IncomingRequest,
		message: JsonObject,
		details: RequestDetails,
	): Promise<Answer> {
		checkInitialize(message);
		const session = await incoming.sessions?.open(incoming, paramsOf(message));
		return this.#routeOrRespond(incoming, { ...details, session });
	}

	/** Handles a message of a session in the scope of its request. */
	async #handle(context: RequestContext, message: JsonObject): Promise<Answer> {
		const { calls, extension, liveness } = this.#deps;
		const { session } = context;
		const info = session && liveness && (await liveness.require(session));
		const method = methodOf(message);
		if (!liveness?.storesMutableState && requiresSessionState(method)) {
			throw requiresSession(200, `Method ${method}`);
		}
		checkStoredParams(method, message);
		const isResponse = isClientResponse(message);
		if (isResponse || isCancellation(message)) {
			const taking = isResponse && session && extension?.takeResponse?.(context, message);
			if (taking) await taking;
			else if (session) await calls.deliver(session.internalId, message);
			return accepted();
		}
		return this.#answerDirectly(context, info);
	}

	/** Has the server answer without its transport if it can. */
	async #answerDirectly(context: RequestContext, info?: SessionInfo): Promise<Answer> {
		const { createCustom, server } = this.#deps;
		const { request } = context.origin;
		const custom = request && createCustom && (await createCustom(request));
		const answering = server.answerDirectly(context, custom, info);
		const response = answering && (await answering);
		return response ? completeAnswer(response, context) : this.#handOver(context, { custom });
	}

	/**
	 * Answers a GET, a DELETE, or a method that the server rejects.
	 *
	 * @throws {HttpRejection} if the request is rejected before its session is known.
	 */
	async answerBodyless(incoming: IncomingRequest): Promise<Answer> {
		const { calls, liveness } = this.#deps;
		const { headers, method, sessions } = incoming;
		const isGet = method === 'GET';
		const isSessionMethod = isGet || method === 'DELETE';
		const ofStateless = declaresStateless(headers, this.#stateless);
		if (!isSessionMethod || ofStateless) {
			return answerInScope(calls, incoming, { isStateless: ofStateless }, (context) =>
				this.#handOver(context, { custom: undefined }),
			);
		}
		if (!liveness) throw requiresSession(405, method, 'POST, OPTIONS');
		checkProtocolVersion(headers, this.#stateless);
		let lastEventId: string | undefined;
		if (isGet) {
			negotiateResponseType(headers, ['sse']);
			lastEventId = headers.get('last-event-id') ?? undefined;
		} else if (!liveness.storesMutableState) {
			throw requiresSession(405, method, 'GET, POST, OPTIONS');
		}
		const session = await sessions?.require(incoming);
		return answerInScope(calls, incoming, { session, lastEventId }, async (context) => {
			if (session) await liveness.require(session);
			const keepAlive =
				isGet && session && sessions
					? liveness.createKeepAlive(() => sessions.find(session.id, incoming))
					: undefined;
			return this.#handOver(context, {}, keepAlive);
		});
	}

	/** Has the router answer a validated request, or the server. */
	#routeOrRespond(incoming: IncomingRequest, details: RequestDetails): Promise<Answer> {
		const { calls, router } = this.#deps;
		return answerInScope(calls, incoming, details, (context) => {
			const respond = (input?: ServerInput<Custom>): Promise<Answer> =>
				context.isStateless ? this.#handOver(context, input) : this.#answerDirectly(context);
			return router ? router.route(context, respond) : respond();
		});
	}

	/**
	 * Has the server respond, and keeps the request alive until it has handled the message.
	 *
	 * @param input without `custom`, the deployment's option `context` creates it.
	 */
	async #handOver(
		context: RequestContext,
		input: ServerInput<Custom> = {},
		session?: SessionKeepAlive,
	): Promise<Answer> {
		const { calls, createCustom, keepAliveMs, pacesStreams, server } = this.#deps;
		const { isListening, messageId, progress, responseType } = context;
		// A call that is answered at once has ended before its client can disconnect.
		const isCall = messageId !== undefined && !isListening;
		if (!isCall) followClient(context);
		const { request } = context.origin;
		const streamed = await server.respond(
			context,
			createCustom && request && !('custom' in input)
				? { ...input, custom: await createCustom(request) }
				: input,
		);
		// The transport accepts notifications before it handles them.
		if (streamed.status === 202) context.waitUntil(progress.handled);
		if (isCall && streamed.status === 200) {
			const isHandled = await isHandledAtOnce(progress);
			const { response } = progress;
			if (isHandled && response) return completeAnswer(response, context);
			if (!isHandled) followClient(context);
		}
		nameSession(streamed, context.session);
		const isStream = streamed.headers.get('content-type') === 'text/event-stream';
		if (!isStream || !streamed.body) return streamed;
		const isPaced = pacesStreams && messageId === undefined;
		const options: StreamOptions = {
			keepAliveMs,
			session,
			isPaced,
			listening: isPaced ? progress.listening : undefined,
			onLasting: () => calls.watch(context),
		};
		return responseType === 'json'
			? collectedAnswer(streamed.body, context, options)
			: streamAnswer(streamed, streamed.body, context, options);
	}
}

/** Sets the session id that the client knows. A rejected client has it already, or must not get it. */
function nameSession({ headers, status }: Response, session: IssuedSession | undefined): void {
	if (status >= 400) headers.delete('mcp-session-id');
	else if (session && session.id !== session.internalId) headers.set('mcp-session-id', session.id);
}

/** Creates the rejection of what requires session state. */
function requiresSession(status: number, subject: string, allowed?: string): HttpRejection {
	const message = `${subject} requires session state, which this server does not store`;
	if (allowed === undefined) return new HttpRejection(status, -32601, message);
	const headers = { Allow: allowed };
	return new HttpRejection(status, -32601, `${message}; use ${allowed}`, { headers });
}
