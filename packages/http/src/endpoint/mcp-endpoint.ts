import type { ExecutionContextLike, OAuthHelper } from '../options.ts';
import { CachedHeaders } from '../request/cached-headers.ts';
import { notFound } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { ANONYMOUS } from '../session/authenticator.ts';
import type { Authenticator, Caller } from '../session/authenticator.ts';
import type { PickShard } from '../session/shard-picker.ts';
import type { SessionIdentifier } from '../session/session-identifier.ts';
import { readText } from '../validation/body.ts';
import type { OriginGuard } from '../validation/origin-guard.ts';
import type { MessageEndpoint } from './message-endpoint.ts';
import type { HttpRequest, RequestRouter } from './request-router.ts';

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
	readonly report: (error: unknown, session?: string) => void;
}

/**
 * Takes HTTP requests: checks path, host and origin, authenticates the caller and reads the body. Then
 * the router or the `MessageEndpoint` answers.
 */
export class McpEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #deps: McpEndpointDeps<Custom>;
	/** Clients send all requests to the same address. */
	#lastUrl: { readonly text: string; readonly parsed: URL } | undefined;

	constructor(deps: McpEndpointDeps<Custom>) {
		this.#deps = deps;
	}

	/**
	 * Answers a request. Errors of a message that could be read are answers already.
	 *
	 * @throws {HttpRejection} if the request is rejected before its message is read.
	 * @throws {TmcpSessionsError} `configuration` if session keys are missing.
	 */
	respond(request: Request, platform: ExecutionContextLike | undefined): Promise<Answer> {
		const { path, oauth, origins, authenticator } = this.#deps;
		const url = this.#urlOf(request);
		const headers = new CachedHeaders(request.headers);
		// Hot path: skip the async lookups, every request pays for an extra microtask.
		if ((path === null || url.pathname === path) && !oauth && !authenticator.isConfigured) {
			origins.check(headers, url);
			return this.#answer(request, headers, url, platform, ANONYMOUS);
		}
		return this.#authenticate(request, headers, url, platform);
	}

	async #authenticate(
		request: Request,
		headers: CachedHeaders,
		url: URL,
		platform: ExecutionContextLike | undefined,
	): Promise<Answer> {
		const { path, oauth, origins, authenticator } = this.#deps;
		const isMcp = path !== null && url.pathname === path;
		// Without its own path, the handler lets the helper answer any request first.
		if (!isMcp && oauth?.respond) {
			const answered = await oauth.respond(request);
			if (answered) return answered;
		}
		if (path !== null && !isMcp) return notFound();
		origins.check(headers, url);
		let caller = ANONYMOUS;
		if (request.method !== 'OPTIONS') {
			const answered = isMcp && oauth?.respond && (await oauth.respond(request));
			if (answered) return answered;
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
		const { ids: sessions, maxBodyBytes, messages, router, report } = this.#deps;
		sessions?.checkHost(url);
		const { method } = request;
		const pickShard = (): string => this.#deps.pickShard(request);
		const incoming: HttpRequest = {
			...{ request, method, headers, auth, principal, platform, report, pickShard, sessions },
		};
		const text = method === 'POST' ? await readText(request, headers, maxBodyBytes) : undefined;
		// Hot path: to return a promise itself takes two microtasks more.
		const answer = await (router?.routeSession(incoming, text) ??
			(text === undefined ? messages.answerBodyless(incoming) : messages.answer(incoming, text)));
		return answer;
	}

	#urlOf({ url }: Request): URL {
		if (this.#lastUrl?.text !== url) this.#lastUrl = { text: url, parsed: new URL(url) };
		return this.#lastUrl.parsed;
	}
}
