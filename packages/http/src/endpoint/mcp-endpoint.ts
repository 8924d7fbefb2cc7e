import { runInScope } from '@tmcp-sessions/core/internal';

import { isCancellation } from '../calls/in-flight-calls.ts';
import { completeResponse, directResponse } from '../response/buffered.ts';
import type { EndpointDeps } from './endpoint-deps.ts';
import type { Route, RoutedRequest } from './handler-seams.ts';
import {
	negotiateResponseType,
	checkProtocolVersion,
	sessionBasedOnly,
} from '../validation/headers.ts';
import { requiresSessionState } from '../transport/initialize-result.ts';
import { jsonResponse, liveResponse } from '../response/sse.ts';
import { idOf, isClientResponse, isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { parseMessage, readText } from '../validation/body.ts';
import { checkClient, checkIds, checkInitialize } from '../validation/messages.ts';
import type { ExecutionContextLike } from '../options.ts';
import { HttpRejection } from '../request/http-rejection.ts';
import { checkStoredParams } from '../validation/stored-params.ts';
import type { RequestContext } from '../request/request-context.ts';
import {
	checkStatelessRequest,
	isStateless,
	declaresStateless,
} from '../validation/stateless-requests.ts';
import { followClient, transportRequest } from '../transport/transport-request.ts';
import { isAnsweredAtOnce } from '../calls/turns.ts';

/**
 * The rules of the protocol around a transport: what a request must be before the transport gets it,
 * and what becomes of its answer.
 */
export class McpEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #parts: EndpointDeps<Custom>;
	#lastUrl: { readonly text: string; readonly parsed: URL } | undefined;

	constructor(parts: EndpointDeps<Custom>) {
		this.#parts = parts;
	}

	/**
	 * @throws {HttpRejection} for what the rules do not allow.
	 * @throws {StoreError} {@link StreamError} where a backend is down.
	 */
	respond(
		request: Request,
		work: RequestContext,
		platform: ExecutionContextLike | undefined,
	): Promise<Response> {
		const { path, oauth, callers, caller } = this.#parts;
		const url = this.#urlOf(request);
		const isElsewhere = path !== null && url.pathname !== path;
		if (caller) {
			const { auth, principal } = caller(request);
			work.auth = auth;
			work.principal = principal;
			return this.#respondTo(request, work, url);
		}
		// What needs no waiting is not waited for: each turn is felt by every call.
		if (!isElsewhere && !oauth && !callers.areKnown) {
			return this.#respondTo(request, work, url);
		}
		return this.#respondToCaller(request, work, url, platform);
	}

	/** Whoever has an OAuth flow, or callers that are to be known. */
	async #respondToCaller(
		request: Request,
		work: RequestContext,
		url: URL,
		platform: ExecutionContextLike | undefined,
	): Promise<Response> {
		const { path, oauth, origins, callers } = this.#parts;
		// Without a path of its own, everything is the helper's to answer first.
		if (url.pathname !== path && oauth?.respond) {
			const answered = await oauth.respond(request);
			if (answered) return answered;
		}
		if (path !== null && url.pathname !== path) return new Response('Not found', { status: 404 });
		if (request.method === 'OPTIONS') return this.#respondTo(request, work, url);
		origins.check(work.headers, url);
		const answered = path !== null && oauth?.respond && (await oauth.respond(request));
		if (answered) return answered;
		const { auth, principal } = await callers.identify(request, platform);
		work.auth = auth;
		work.principal = principal;
		return this.#respondTo(request, work, url);
	}

	#respondTo(request: Request, work: RequestContext, url: URL): Promise<Response> {
		const { origins, sessions } = this.#parts;
		origins.check(work.headers, url);
		sessions?.checkHost(url);
		work.protocolVersion = work.headers.get('mcp-protocol-version') ?? undefined;
		return runInScope(work, () => {
			const { route } = this.#parts;
			if (route && namesSession(request, work)) return this.#send(route, request, work);
			if (request.method === 'POST') return this.#post(request, work);
			if (request.method === 'OPTIONS') return this.#transport(request, work);
			return this.#other(request, work);
		});
	}

	/** A client calls the same address with all that it sends. */
	#urlOf({ url }: Request): URL {
		if (this.#lastUrl?.text !== url) this.#lastUrl = { text: url, parsed: new URL(url) };
		return this.#lastUrl.parsed;
	}

	/** GET, DELETE, and what the transport refuses. */
	async #other(request: Request, work: RequestContext): Promise<Response> {
		const { sessions } = this.#parts;
		const isSessionMethod = request.method === 'GET' || request.method === 'DELETE';
		if (isSessionMethod && !declaresStateless(work.headers)) {
			if (!sessions) throw withoutSessions(request.method, 'POST, OPTIONS');
			checkProtocolVersion(work.headers);
			if (request.method === 'GET') {
				negotiateResponseType(work.headers, ['sse']);
				work.lastEventId = work.headers.get('last-event-id') ?? undefined;
			}
			if (request.method === 'DELETE' && !sessions.storesMutableState) {
				throw withoutSessions('DELETE', 'GET, POST, OPTIONS');
			}
			work.enter(await sessions.require(work.headers, work.principal));
			if (request.method === 'GET') work.watch = sessions.watch(work);
		}
		work.isListening = true;
		work.endsWithClient = true;
		return this.#transport(request, work);
	}

	async #post(request: Request, work: RequestContext): Promise<Response> {
		const text = await readText(request, work.headers, this.#parts.maxBodyBytes);
		return this.#message(text, parseMessage(text), request, work);
	}

	#message(
		text: string,
		message: unknown,
		request: Request,
		work: RequestContext,
	): Promise<Response> {
		work.text = text;
		work.message = message;
		if (!isObject(message)) return this.#transport(request, work);
		checkIds(message);
		work.messageId = methodOf(message) === undefined ? undefined : idOf(message);
		if (work.messageId !== undefined) {
			work.isListening = message.method === 'subscriptions/listen';
			work.responseType = negotiateResponseType(
				work.headers,
				work.isListening ? ['sse'] : ['sse', 'json'],
			);
		}
		if (isStateless(work.headers, message)) {
			if (this.#parts.route?.takesStateless === false) throw sessionBasedOnly(work.headers);
			checkStatelessRequest(message);
			work.endsWithClient = true;
			return this.#served('stateless', request, work);
		}
		return this.#sessionPost(request, work, message);
	}

	/** A message of a client of 2025. */
	async #sessionPost(
		request: Request,
		work: RequestContext,
		message: JsonObject,
	): Promise<Response> {
		const { sessions, calls } = this.#parts;
		const method = methodOf(message);
		if (method === 'initialize') {
			checkInitialize(message);
			if (sessions) {
				const { headers, principal, shard } = work;
				work.enter(await sessions.open(principal, paramsOf(message), shard, headers));
			}
			return this.#served('initialize', request, work);
		}
		checkProtocolVersion(work.headers);
		if (sessions) work.enter(await sessions.require(work.headers, work.principal));
		if (!sessions?.storesMutableState && method !== undefined && requiresSessionState(method)) {
			throw new HttpRejection({
				status: 200,
				code: -32601,
				message: `Method ${method} needs what this server keeps nothing of`,
			});
		}
		checkStoredParams(method, message);
		if (isClientResponse(message) || isCancellation(message)) {
			if (work.sessionId) await calls.deliver(work.sessionId, message);
			return new Response(null, { status: 202 });
		}
		return this.#answered(request, work);
	}

	/** By the server at once, where it can be, and otherwise by the transport. */
	async #answered(request: Request, work: RequestContext): Promise<Response> {
		const { context, direct } = this.#parts;
		if (!direct?.takes(work)) return this.#transport(request, work);
		const custom = context && (await context(request));
		const response = await direct.answer(work, custom);
		return response ? directResponse(response, work) : this.#handOver(request, work, custom);
	}

	/** Sends a message on as it came: what it says is looked at where its session lives. */
	async #send(route: Route, request: Request, work: RequestContext): Promise<Response> {
		const { sessions, maxBodyBytes } = this.#parts;
		const isPost = request.method === 'POST';
		const body = isPost ? await readText(request, work.headers, maxBodyBytes) : undefined;
		// It opens another session, whatever id its client has, and however it is spelled.
		if (body?.includes('"initialize"') || body?.includes(String.raw`\u00`)) {
			const message = parseMessage(body);
			if (methodOf(message) === 'initialize') return this.#message(body, message, request, work);
		}
		if (sessions) work.enter(await sessions.named(work.headers, work.principal));
		return this.#routed(route, 'session', request, work, body);
	}

	/** By whoever the session lives with, or by the transport. */
	#served(kind: RoutedRequest['kind'], request: Request, work: RequestContext): Promise<Response> {
		const { route } = this.#parts;
		return route
			? this.#routed(route, kind, request, work, work.text)
			: this.#transport(request, work);
	}

	async #routed(
		route: Route,
		kind: RoutedRequest['kind'],
		request: Request,
		work: RequestContext,
		body: string | undefined,
	): Promise<Response> {
		if (kind === 'initialize') checkClient(work.message);
		const { sessionId, principal, auth, message, headers } = work;
		const context = work.context ?? { waitUntil: (late) => work.waitUntil(late) };
		const routed = { request, kind, sessionId, principal, auth, headers, body, context };
		if (!work.isListening || !route.agreed) return route.send(routed);
		const params = paramsOf(message);
		const { notifications } = params;
		if (isObject(message) && isObject(notifications)) {
			const agreed = await route.agreed(routed, notifications);
			work.text = undefined;
			work.message = { ...message, params: { ...params, notifications: agreed } };
		}
		return this.#transport(request, work);
	}

	/** The transport's answer, with what it takes to let its work finish. */
	async #transport(request: Request, work: RequestContext): Promise<Response> {
		const { context } = this.#parts;
		const isAsked = request.method !== 'OPTIONS';
		return this.#handOver(request, work, isAsked && context ? await context(request) : undefined);
	}

	async #handOver(
		request: Request,
		work: RequestContext,
		custom: Custom | undefined,
	): Promise<Response> {
		const { transport, keepAliveMs, calls } = this.#parts;
		// A call that is answered at once is over before its client can leave.
		const isCall = work.messageId !== undefined && !work.isListening;
		if (!isCall) followClient(request, work);
		const answer = await transport.respond(transportRequest(request, work), custom);
		if (!answer) return new Response('Not found', { status: 404 });
		// Whoever is refused knows their session's id already, or should not.
		if (answer.status >= 400) answer.headers.delete('mcp-session-id');
		else if (work.publicSessionId !== work.sessionId) {
			answer.headers.set('mcp-session-id', work.publicSessionId);
		}
		// The transport answers notifications first and handles them afterwards.
		if (answer.status === 202) work.waitUntil(work.handled);
		if (isCall && answer.status === 200) {
			const isOver = await isAnsweredAtOnce(work);
			const complete = isOver && completeResponse(answer, work);
			if (complete) return complete;
			if (!isOver) followClient(request, work);
		}
		const isStream = answer.headers.get('content-type') === 'text/event-stream';
		if (!isStream || !answer.body) return answer;
		const respond = work.responseType === 'json' ? jsonResponse : liveResponse;
		const isCancellable = !work.endsWithClient;
		return respond(answer, answer.body, work, keepAliveMs, () => {
			if (isCancellable) calls.watch(work);
		});
	}
}

/** Whether a request names the session that is to answer it. */
function namesSession({ method }: Request, { headers }: RequestContext): boolean {
	if (method !== 'POST' && method !== 'DELETE') return false;
	return headers.get('mcp-session-id') !== null && !declaresStateless(headers);
}

/** A method of HTTP that is about sessions, where there is nothing to be done with one. */
function withoutSessions(method: string, allowed: string): HttpRejection {
	return new HttpRejection({
		status: 405,
		code: -32601,
		message: `${method} needs what this server keeps nothing of; use ${allowed}`,
		headers: { Allow: allowed },
	});
}
