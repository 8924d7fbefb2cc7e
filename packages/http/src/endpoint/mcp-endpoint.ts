import type { ExecutionContextLike, OAuthHelper } from '../options.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import { HttpRejection, invalidRequest } from '../request/http-rejection.ts';
import type { CallerRecheck, RequestOrigin } from '../request/request-context.ts';
import { preflightAnswer } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { browserAnswer, isBrowserVisit } from '../response/browser-answer.ts';
import type { ConnectionTarget } from '../response/browser-answer.ts';
import { notFound } from '../response/not-found.ts';
import { ANONYMOUS } from '../session/authenticator.ts';
import type { Authenticator, Caller } from '../session/authenticator.ts';
import type { PickShard } from '../session/shard-picker.ts';
import type { SessionIdentifier } from '../session/session-identifier.ts';
import { readText } from '../validation/body.ts';
import { mayInitialize } from '../validation/messages.ts';
import type { OriginGuard } from '../validation/origin-guard.ts';
import { isForPath } from './endpoint-path.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { MessageEndpoint } from './message-endpoint.ts';
import type { HttpRequest, RequestRouter } from './request-router.ts';

/** Bytes that are read of a session-based request that names no session. `initialize` fits. */
const MAX_UNNAMED_BYTES = 64 * 1_024;
const UNNAMED_TOO_LARGE = invalidRequest(
	`The body is larger than ${MAX_UNNAMED_BYTES} bytes; name a session with Mcp-Session-Id to send more`,
	413,
);
/** Characters that are parsed to name the id of a request whose session id is invalid. */
const MAX_PARSED_LENGTH = 4_096;

/** What the endpoint of an HTTP handler depends on. */
export interface McpEndpointDeps<Custom extends Record<string, unknown> | undefined> {
	readonly messages: MessageEndpoint<Custom>;
	/** Undefined if all sessions live here. */
	readonly router: RequestRouter | undefined;
	/** Undefined if the deployment has no sessions. */
	readonly ids: SessionIdentifier | undefined;
	readonly origins: OriginGuard;
	readonly authenticator: Authenticator;
	readonly oauth: OAuthHelper | undefined;
	/** Null for every path. */
	readonly path: string | null;
	readonly maxBodyBytes: number;
	readonly pickShard: PickShard;
	readonly clientOf: NonNullable<RequestOrigin['clientOf']>;
	readonly secrets: RequestOrigin['secrets'];
	/** Undefined if open streams are not checked again. */
	readonly recheck: CallerRecheck | undefined;
	readonly report: (error: unknown, session?: string) => void;
}

/** The address of a request. */
interface Address {
	readonly text: string;
	readonly url: URL;
	/** Whether its path is that of the endpoint. */
	readonly isMcp: boolean;
}

/**
 * Takes HTTP requests: checks path, host and origin, authenticates the caller, verifies the session id
 * and reads the body, in this order, so that a rejection costs no more than it must. Then the router or
 * the `MessageEndpoint` answers.
 */
export class McpEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #deps: McpEndpointDeps<Custom>;
	/** Clients send all requests to the same address. */
	#lastAddress: Address | undefined;

	constructor(deps: McpEndpointDeps<Custom>) {
		this.#deps = deps;
	}

	/**
	 * Answers a request. Errors of a message that could be read are answers already.
	 *
	 * @throws {HttpRejection} if the request is rejected before its message is read.
	 * @throws {TmcpSessionsError} `configuration` if session keys are missing.
	 */
	respond(
		request: Request,
		headers: CachedHeaders,
		platform: ExecutionContextLike | undefined,
	): Promise<Answer> {
		const { path, oauth, origins, authenticator } = this.#deps;
		const address = this.#addressOf(request);
		// Hot path: skip the async lookups, every request pays for an extra microtask.
		if ((path === null || address.isMcp) && !oauth && !authenticator.isConfigured) {
			origins.check(headers, address.url);
			return this.#answer(request, headers, address.url, platform, ANONYMOUS);
		}
		return this.#authenticate(request, headers, address, platform);
	}

	async #authenticate(
		request: Request,
		headers: CachedHeaders,
		{ isMcp, url }: Address,
		platform: ExecutionContextLike | undefined,
	): Promise<Answer> {
		const { path, oauth, origins, authenticator } = this.#deps;
		// Without its own path, the handler lets the helper answer any request first.
		if (!isMcp && oauth?.respond) {
			const answered = await oauth.respond(request);
			if (answered) return answered;
		}
		if (path !== null && !isMcp) {
			return notFound(
				request,
				headers,
				`the MCP endpoint is ${path}`,
				this.#target(url.origin, path),
			);
		}
		origins.check(headers, url);
		let caller = ANONYMOUS;
		const { method } = request;
		if (method !== 'OPTIONS') {
			const answered = isMcp && oauth?.respond && (await oauth.respond(request));
			if (answered) return answered;
			// Without a token, too: it would get a 401 that no person can use.
			if (isBrowserVisit(method, headers)) return this.#answerBrowser(url);
			caller = await authenticator.identify(request, platform);
		}
		return this.#answer(request, headers, url, platform, caller);
	}

	/** @throws {HttpRejection} 403 if the host is not allowed. */
	async #answer(
		request: Request,
		headers: CachedHeaders,
		url: URL,
		platform: ExecutionContextLike | undefined,
		{ auth, principal }: Caller,
	): Promise<Answer> {
		const { clientOf, ids: sessions, messages, recheck, report, router, secrets } = this.#deps;
		sessions?.checkHost(url);
		const { method } = request;
		if (method === 'OPTIONS') return preflightAnswer('GET, POST, DELETE, OPTIONS');
		// Hot path: one object, which spreads would copy.
		const incoming: HttpRequest & { session: IncomingRequest['session'] } = {
			request,
			method,
			headers,
			auth,
			principal,
			platform,
			report,
			pickShard: () => this.#deps.pickShard(request),
			sessions,
			clientOf,
			secrets,
			recheck,
			session: undefined,
		};
		const usesSessions = sessions !== undefined && messages.usesSessions(headers);
		// Hot path: to return a promise itself takes two microtasks more.
		if (method !== 'POST') {
			if (isBrowserVisit(method, headers)) return this.#answerBrowser(url);
			const answer = await ((usesSessions && router?.routeSession(incoming, undefined)) ||
				messages.answerBodyless(incoming));
			return answer;
		}
		try {
			const found = usesSessions && headers.get('mcp-session-id') && sessions.require(incoming);
			if (found) incoming.session = found instanceof Promise ? await found : found;
		} catch (error) {
			// Only `initialize` may follow, which opens a session whatever id its client sent.
			if (!(error instanceof HttpRejection)) throw error;
			incoming.session = error;
		}
		const { session } = incoming;
		const rejection = session instanceof HttpRejection ? session : undefined;
		const isUnnamed = usesSessions && (session === undefined || rejection !== undefined);
		const text = await (isUnnamed
			? this.#readUnnamed(incoming, rejection)
			: readText(request, headers, this.#deps.maxBodyBytes));
		const routed = usesSessions && !isUnnamed && router?.routeSession(incoming, text);
		const answer = await (routed || messages.answer(incoming, text));
		return answer;
	}

	#answerBrowser({ origin, pathname }: URL): Answer {
		const target = this.#target(origin, pathname);
		return browserAnswer(target, this.#deps.ids ? undefined : 'POST, OPTIONS');
	}

	#target(origin: string, path: string): ConnectionTarget {
		const { isConfigured: hasAuth } = this.#deps.authenticator;
		return { endpoint: origin + path, hasAuth, transport: 'http' };
	}

	/**
	 * Reads the body of a request that names no session. Anything but `initialize` is rejected, which must
	 * not cost more than the rejection.
	 *
	 * @param rejection why the session id is invalid, if there is one.
	 */
	async #readUnnamed(
		{ headers, request }: HttpRequest,
		rejection: HttpRejection | undefined,
	): Promise<string> {
		const { maxBodyBytes } = this.#deps;
		if (maxBodyBytes <= MAX_UNNAMED_BYTES)
			return readText(request, headers, maxBodyBytes, rejection);
		const tooLarge = rejection ?? UNNAMED_TOO_LARGE;
		const text = await readText(request, headers, MAX_UNNAMED_BYTES, tooLarge);
		if (rejection && text.length > MAX_PARSED_LENGTH && !mayInitialize(text)) throw rejection;
		return text;
	}

	#addressOf({ url: text }: Request): Address {
		if (this.#lastAddress?.text === text) return this.#lastAddress;
		const { path } = this.#deps;
		const url = new URL(text);
		const isMcp = path !== null && isForPath(url.pathname, path);
		return (this.#lastAddress = { text, url, isMcp });
	}
}
