import type { IssuedSession } from '@tmcp-sessions/core/backend';

import type { CachedHeaders } from '../request/cached-headers.ts';
import { HttpRejection } from '../request/http-rejection.ts';
import { isObject, methodOf, paramsOf, requestIdIn } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { Answer } from '../response/answer.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';
import { parseMessage } from '../validation/body.ts';
import { sessionBasedOnly } from '../validation/headers.ts';
import { mayInitialize } from '../validation/messages.ts';
import { declaresStateless } from '../validation/stateless-requests.ts';
import type { ServerInput } from './message-server.ts';
import type { HttpRequest, RequestRouter } from './request-router.ts';
import { routedRequest } from './routed-request.ts';
import type { Route } from './route.ts';

const SESSION_HEADER = 'mcp-session-id';

/** Routes requests to the sessions that they name. */
export class SessionRouter implements RequestRouter {
	readonly #route: Route;
	readonly #statelessRevisions: readonly string[];

	constructor(route: Route, statelessRevisions: readonly string[]) {
		this.#route = route;
		this.#statelessRevisions = statelessRevisions;
	}

	routeSession(incoming: HttpRequest, body: string | undefined): Promise<Answer> | undefined {
		const { headers, method } = incoming;
		const isMessage = method === 'POST' || method === 'DELETE';
		if (!isMessage || headers.get('mcp-session-id') === null) return undefined;
		if (declaresStateless(headers, this.#statelessRevisions)) return undefined;
		// `initialize` opens a session whatever id its client sent.
		if (body !== undefined && mayInitialize(body)) {
			if (methodOf(parseMessage(body)) === 'initialize') return undefined;
		}
		return this.#send(incoming, body);
	}

	checkStateless(headers: CachedHeaders): void {
		if (!this.#route.takesStateless) throw sessionBasedOnly(headers);
	}

	async route(
		context: RequestContext,
		respond: (input?: ServerInput<never>) => Promise<Answer>,
	): Promise<Answer> {
		const { isListening, isStateless, message, origin, session, text } = context;
		const { request } = origin;
		if (!request) return respond();
		const kind = isStateless ? 'stateless' : 'initialize';
		const routed = routedRequest(kind, request, origin, session, text);
		if (!isListening || !this.#route.honoredSubset) {
			return withClientId(await this.#route.send(routed), session);
		}
		// The handler holds the stream of a subscription.
		const params = paramsOf(message);
		const { notifications } = params;
		if (!isObject(message) || !isObject(notifications)) return respond();
		const honored = await this.#route.honoredSubset(routed, notifications);
		return respond({ message: { ...message, params: { ...params, notifications: honored } } });
	}

	/** @throws {HttpRejection} if the session id is invalid. */
	async #send(incoming: HttpRequest, body: string | undefined): Promise<Answer> {
		const { session: identified, sessions } = incoming;
		if (identified instanceof HttpRejection) throw identified;
		const session = identified ?? (await sessions?.require(incoming));
		try {
			const routed = routedRequest('session', incoming.request, incoming, session, body);
			return withClientId(await this.#route.send(routed), session);
		} catch (error) {
			const id = session?.internalId ?? '';
			const report = (reason: unknown): void => incoming.report(reason, id);
			return rejectionAnswer(error, report, requestIdIn(body), incoming.request);
		}
	}
}

/** Names the session by the id that the client knows. Its object knows the internal id only. */
function withClientId(answer: Answer, session: IssuedSession | undefined): Answer {
	if (!session) return answer;
	if (!(answer instanceof Response)) {
		const { headers } = answer;
		if (headers[SESSION_HEADER] === undefined) return answer;
		return { ...answer, headers: { ...headers, [SESSION_HEADER]: session.id } };
	}
	if (!answer.headers.has(SESSION_HEADER)) return answer;
	// A copy: the headers of a response that came by RPC may be immutable.
	const named = new Response(answer.body, answer);
	named.headers.set(SESSION_HEADER, session.id);
	return named;
}
