import type { IssuedSession } from '@tmcp-sessions/core/backend';

import { isHandledAtOnce } from '../calls/answered-at-once.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import { HttpRejection } from '../request/http-rejection.ts';
import {
	isCancellation,
	isClientResponse,
	isObject,
	methodOf,
	paramsOf,
	requestIdOf,
} from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { RequestContext } from '../request/request-context.ts';
import type { RequestDetails } from '../request/request-context.ts';
import { accepted } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { completeAnswer, directAnswer } from '../response/complete-answer.ts';
import { collectedAnswer, streamAnswer } from '../response/event-stream.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';
import type { SessionKeepAlive } from '../session/session-keep-alive.ts';
import type { SessionLiveness } from '../session/session-liveness.ts';
import { parseMessage } from '../validation/body.ts';
import { checkProtocolVersion, negotiateResponseType } from '../validation/headers.ts';
import { checkIds, checkInitialize } from '../validation/messages.ts';
import {
	checkStatelessRequest,
	declaresStateless,
	isStateless,
} from '../validation/stateless-requests.ts';
import { checkStoredParams, requiresSessionState } from '../validation/stored-params.ts';
import { answerInScope } from './answer-in-scope.ts';
import type { IncomingMessage, IncomingRequest } from './incoming-request.ts';
import type { MessageServer, ServerInput } from './message-server.ts';
import type { RequestRouter } from './request-router.ts';

/** What the endpoint of messages depends on. */
export interface MessageEndpointDeps<Custom extends Record<string, unknown> | undefined> {
	readonly server: MessageServer<Custom>;
	readonly calls: InFlightCalls;
	/** Undefined if the deployment has no sessions. */
	readonly liveness: SessionLiveness | undefined;
	readonly router: RequestRouter | undefined;
	readonly createCustom: ((request: Request) => Custom | Promise<Custom>) | undefined;
	readonly keepAliveMs: number;
	/** Whether the manager bounds GET streams, so that they are read no faster than their client reads. */
	readonly pacesStreams: boolean;
}

/**
 * Applies the protocol's rules to requests of known callers: finds the era, validates the message,
 * finds the session, and has the route or the server answer.
 */
export class MessageEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #deps: MessageEndpointDeps<Custom>;

	constructor(deps: MessageEndpointDeps<Custom>) {
		this.#deps = deps;
	}

	/**
	 * Answers a POST. Errors of the message are answers.
	 *
	 * @throws {HttpRejection} if the text is not a JSON-RPC message with a valid id.
	 */
	async answer(incoming: IncomingRequest, text: string): Promise<Answer> {
		const message = parseMessage(text);
		if (isObject(message)) checkIds(message);
		const messageId = requestIdOf(message);
		try {
			return await this.#answerMessage(incoming, { text, message, messageId });
		} catch (error) {
			return rejectionAnswer(error, messageId ?? null, (reason) => incoming.report(reason, ''));
		}
	}

	/**
	 * Finds the era of a message. Not async: each layer costs every call a microtask.
	 *
	 * @throws {HttpRejection} if the message is invalid.
	 */
	#answerMessage(incoming: IncomingRequest, received: IncomingMessage): Promise<Answer> {
		const { router, server } = this.#deps;
		const { headers, request } = incoming;
		const { message, messageId } = received;
		if (!isObject(message)) {
			const context = this.#createContext(incoming, received);
			return answerInScope(context, () => this.#respond(request, context));
		}
		const isListening = messageId !== undefined && message.method === 'subscriptions/listen';
		const responseType =
			messageId === undefined
				? undefined
				: negotiateResponseType(headers, isListening ? ['sse'] : ['sse', 'json']);
		const details = { ...received, isListening, responseType };
		if (!isStateless(headers, message, server.statelessRevisions)) {
			return this.#answerSession(incoming, message, details);
		}
		router?.checkStateless(headers);
		checkStatelessRequest(message);
		const context = this.#createContext(incoming, { ...details, isStateless: true });
		return this.#routeOrRespond('stateless', request, context);
	}

	/** Answers a message of the session-based era. */
	async #answerSession(
		incoming: IncomingRequest,
		message: JsonObject,
		details: RequestDetails,
	): Promise<Answer> {
		const { router, server } = this.#deps;
		const { headers, request, sessions } = incoming;
		if (methodOf(message) === 'initialize') {
			checkInitialize(message);
			router?.checkInitialize(message);
			const session = await sessions?.open(incoming, paramsOf(message));
			const context = this.#createContext(incoming, { ...details, session });
			return this.#routeOrRespond('initialize', request, context);
		}
		checkProtocolVersion(headers, server.statelessRevisions);
		const session = await sessions?.require(incoming);
		const context = this.#createContext(incoming, { ...details, session });
		// Hot path: to return the promise itself takes two microtasks more.
		const answer = await answerInScope(context, () => this.#handle(request, context, message));
		return answer;
	}

	/** Handles a message of a session in the scope of its request. */
	async #handle(
		request: Request | undefined,
		context: RequestContext,
		message: JsonObject,
	): Promise<Answer> {
		const { calls, createCustom, liveness, server } = this.#deps;
		const { session } = context;
		if (session) await liveness?.require(session);
		const method = methodOf(message);
		if (!liveness?.storesMutableState && requiresSessionState(method)) {
			throw new HttpRejection({
				status: 200,
				code: -32601,
				message: `Method ${method} requires session state, which this server does not store`,
			});
		}
		checkStoredParams(method, message);
		if (isClientResponse(message) || isCancellation(message)) {
			if (session) await calls.deliver(session.internalId, message);
			return accepted();
		}
		if (!server.acceptsDirectly(context)) return this.#respond(request, context);
		const custom = request && createCustom && (await createCustom(request));
		const response = await server.answerDirectly(context, custom);
		if (response) return directAnswer(response, context);
		return this.#handOver(request, context, { custom });
	}

	/**
	 * Answers a GET, a DELETE, a preflight, or a method that the server rejects.
	 *
	 * @throws {HttpRejection} if the request is rejected before its session is known.
	 */
	async answerBodyless(incoming: IncomingRequest): Promise<Answer> {
		const { liveness, server } = this.#deps;
		const { headers, method, request, sessions } = incoming;
		const isSessionMethod = method === 'GET' || method === 'DELETE';
		if (!isSessionMethod || declaresStateless(headers, server.statelessRevisions)) {
			const context = this.#createContext(incoming, {});
			return answerInScope(context, () => this.#respond(request, context));
		}
		if (!liveness) throw unsupportedMethod(method, 'POST, OPTIONS');
		checkProtocolVersion(headers, server.statelessRevisions);
		let lastEventId: string | undefined;
		if (method === 'GET') {
			negotiateResponseType(headers, ['sse']);
			lastEventId = headers.get('last-event-id') ?? undefined;
		} else if (!liveness.storesMutableState) {
			throw unsupportedMethod('DELETE', 'GET, POST, OPTIONS');
		}
		const session = await sessions?.require(incoming);
		const context = this.#createContext(incoming, { session, lastEventId });
		return answerInScope(context, async () => {
			if (session) await liveness.require(session);
			const keepAlive =
				method === 'GET' && session && sessions
					? liveness.createKeepAlive(() => sessions.find(session.id, incoming))
					: undefined;
			return this.#respond(request, context, {}, keepAlive);
		});
	}

	#createContext(incoming: IncomingRequest, details: RequestDetails): RequestContext {
		return new RequestContext(incoming, details, this.#deps.calls.createProgress());
	}

	/** Has the router answer a validated request, or the server. */
	#routeOrRespond(
		kind: 'initialize' | 'stateless',
		request: Request | undefined,
		context: RequestContext,
	): Promise<Answer> {
		const { router } = this.#deps;
		const respond = (input: ServerInput<Custom>): Promise<Answer> =>
			this.#respond(request, context, input);
		return answerInScope(context, () =>
			router && request ? router.route(kind, request, context, respond) : respond({}),
		);
	}

	async #respond(
		request: Request | undefined,
		context: RequestContext,
		input: ServerInput<Custom> = {},
		session?: SessionKeepAlive,
	): Promise<Answer> {
		const { createCustom } = this.#deps;
		const hasCustom = request && createCustom && context.method !== 'OPTIONS';
		const custom = hasCustom ? await createCustom(request) : undefined;
		return this.#handOver(request, context, { ...input, custom }, session);
	}

	/** Has the server respond, and keeps the request alive until it has handled the message. */
	async #handOver(
		request: Request | undefined,
		context: RequestContext,
		input: ServerInput<Custom>,
		session?: SessionKeepAlive,
	): Promise<Answer> {
		const { calls, keepAliveMs, pacesStreams, server } = this.#deps;
		const { endsWithClient, isListening, messageId, progress, responseType } = context;
		// A call that is answered at once has ended before its client can disconnect.
		const isCall = messageId !== undefined && !isListening;
		if (!isCall) server.followClient(request, context);
		const streamed = await server.respond(request, context, input);
		nameSession(streamed, context.session);
		// The transport accepts notifications before it handles them.
		if (streamed.status === 202) context.waitUntil(progress.handled);
		if (isCall && streamed.status === 200) {
			const isHandled = await isHandledAtOnce(progress);
			const complete = isHandled && completeAnswer(streamed, context);
			if (complete) return complete;
			if (!isHandled) server.followClient(request, context);
		}
		const isStream = streamed.headers.get('content-type') === 'text/event-stream';
		if (!isStream || !streamed.body) return streamed;
		const answer = responseType === 'json' ? collectedAnswer : streamAnswer;
		return answer(streamed, streamed.body, context, {
			keepAliveMs,
			session,
			isPaced: pacesStreams && messageId === undefined,
			onLasting: () => {
				if (!endsWithClient) calls.watch(context);
			},
		});
	}
}

/** Sets the session id that the client knows. A rejected client has it already, or must not get it. */
function nameSession({ headers, status }: Response, session: IssuedSession | undefined): void {
	if (status >= 400) headers.delete('mcp-session-id');
	else if (session && session.id !== session.internalId) headers.set('mcp-session-id', session.id);
}

/** Creates the rejection of an HTTP method that requires a session. */
function unsupportedMethod(method: string, allowed: string): HttpRejection {
	return new HttpRejection({
		status: 405,
		code: -32601,
		message: `${method} requires session state, which this server does not store; use ${allowed}`,
		headers: { Allow: allowed },
	});
}
