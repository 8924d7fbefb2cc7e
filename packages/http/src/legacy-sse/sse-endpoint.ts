import type { SseTransport } from '@tmcp/transport-sse';

import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import { answerInScope } from '../endpoint/answer-in-scope.ts';
import { isForPath } from '../endpoint/endpoint-path.ts';
import type { ExecutionContextLike, OAuthHelper } from '../options.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import { HttpRejection, invalidRequest } from '../request/http-rejection.ts';
import type { RequestContext, RequestOrigin } from '../request/request-context.ts';
import type { ResolvedOptions } from '../resolve-options.ts';
import { preflightAnswer } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { browserAnswer, isBrowserVisit } from '../response/browser-answer.ts';
import type { ConnectionTarget } from '../response/browser-answer.ts';
import { notFound } from '../response/not-found.ts';
import { streamAnswer } from '../response/event-stream.ts';
import { STATELESS_REVISIONS } from '../transport/stateless-revisions.ts';
import { readMessage } from '../validation/body.ts';
import { checkProtocolVersion, negotiateResponseType } from '../validation/headers.ts';
import { isStateless } from '../validation/stateless-requests.ts';
import { endpointFirst } from './endpoint-event.ts';
import { receiveMessage } from './receive-message.ts';
import type { SessionHost } from './session-host.ts';
import type { SseSessionIds } from './sse-session-ids.ts';

/** The revision of the transport. Its clients know no events without data, whatever they send as header. */
const SSE_REVISION = '2024-11-05';

/** What the endpoint of the SSE transport depends on. */
export interface SseEndpointDeps<
	Custom extends Record<string, unknown> | undefined,
> extends ResolvedOptions {
	readonly transport: SseTransport<Custom>;
	readonly calls: InFlightCalls;
	readonly ids: SseSessionIds;
	readonly host: SessionHost;
	readonly oauth: OAuthHelper | undefined;
	readonly path: string;
	readonly endpoint: string;
	readonly pacesStreams: boolean;
	readonly secrets: RequestOrigin['secrets'];
	readonly report: (error: unknown, session?: string) => void;
}

/** Takes HTTP requests at the two addresses of the SSE transport, and validates them. */
export class SseEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #deps: SseEndpointDeps<Custom>;

	constructor(deps: SseEndpointDeps<Custom>) {
		this.#deps = deps;
	}

	/**
	 * Answers a request. Errors of a message that could be read are answers already.
	 *
	 * @throws {HttpRejection} if the request is rejected before its message is read.
	 */
	async respond(
		request: Request,
		headers: CachedHeaders,
		platform: ExecutionContextLike | undefined,
	): Promise<Answer> {
		const { authenticator, endpoint, ids, oauth, origins, path } = this.#deps;
		const url = new URL(request.url);
		const isForStream = isForPath(url.pathname, path);
		const isOurs = isForStream || isForPath(url.pathname, endpoint);
		if (isOurs) origins.check(headers, url);
		const answered = await oauth?.respond?.(request);
		if (answered) return answered;
		if (!isOurs) {
			const addresses = `streams are at ${path}, messages at ${endpoint}`;
			return notFound(request, headers, addresses, this.#target(url));
		}
		ids.checkHost(url);
		const { method } = request;
		if (method === 'OPTIONS') return preflightAnswer(`${isForStream ? 'GET' : 'POST'}, OPTIONS`);
		if (isBrowserVisit(method, headers)) return browserAnswer(this.#target(url));
		const { auth, principal } = await authenticator.identify(request, platform);
		const { clientOf, recheck, report, secrets } = this.#deps;
		const pickShard = (): string => this.#deps.pickShard(request);
		const origin = {
			request,
			method,
			headers,
			auth,
			principal,
			platform,
			report,
			pickShard,
			clientOf,
			secrets,
			recheck,
		};
		if (method === 'GET' && isForStream) return this.#openStream(request, origin);
		if (method === 'POST' && !isForStream) return this.#post(request, origin, url);
		throw this.#unsupportedMethod(method, isForStream);
	}

	/** Opens a session, which lives as long as its stream. */
	async #openStream(request: Request, origin: RequestOrigin): Promise<Answer> {
		const { calls, endpoint, host, ids, keepAliveMs, pacesStreams: isPaced } = this.#deps;
		checkProtocolVersion(origin.headers, STATELESS_REVISIONS);
		negotiateResponseType(origin.headers, ['sse']);
		const session = await ids.open(origin);
		const details = { session, protocolVersion: SSE_REVISION };
		return answerInScope(calls, origin, details, async (context) => {
			const rejection = await host.begin(context);
			if (rejection) return rejection;
			const { streamed, frames } = await this.#transportStream(request, context);
			const url = `${endpoint}?sessionId=${encodeURIComponent(session.id)}`;
			const body = endpointFirst(frames, url, () =>
				context.run(() => context.waitUntil(host.end(context))),
			);
			const keepAlive = host.createKeepAlive?.(context);
			return streamAnswer(streamed, body, context, { keepAliveMs, isPaced, session: keepAlive });
		});
	}

	async #transportStream(
		request: Request,
		{ sessionId }: RequestContext,
	): Promise<{ streamed: Response; frames: ReadableStream<Uint8Array<ArrayBuffer>> }> {
		const { path, transport } = this.#deps;
		const own = { 'mcp-session-id': sessionId };
		const streamed = await transport.respond(
			new Request(new URL(path, request.url), { headers: own }),
		);
		if (!streamed?.body) throw new Error('expected the transport to open a stream; got none');
		streamed.headers.delete('mcp-session-id');
		streamed.headers.delete('connection');
		streamed.headers.set('X-Accel-Buffering', 'no');
		return { streamed, frames: streamed.body };
	}

	/** Accepts a message, whose response is sent on the stream. */
	async #post(request: Request, origin: RequestOrigin, url: URL): Promise<Answer> {
		const { calls, host, ids, maxBodyBytes } = this.#deps;
		const { headers } = origin;
		checkProtocolVersion(headers, STATELESS_REVISIONS);
		const session = await ids.require(url, origin);
		const { message, messageId } = receiveMessage(
			await readMessage(request, headers, maxBodyBytes),
		);
		const details = { session, message, messageId };
		return answerInScope(calls, origin, details, async (context) => {
			if (isStateless(headers, message, STATELESS_REVISIONS)) {
				throw invalidRequest('This transport requires sessions; send this over Streamable HTTP');
			}
			return host.accept(context, message);
		});
	}

	#target({ origin }: URL): ConnectionTarget {
		const { authenticator, path } = this.#deps;
		return { endpoint: origin + path, hasAuth: authenticator.isConfigured, transport: 'sse' };
	}

	#unsupportedMethod(method: string, isForStream: boolean): HttpRejection {
		const { endpoint, path } = this.#deps;
		const [allowed, use] = isForStream
			? ['GET', `open a stream with GET, and send messages to ${endpoint}`]
			: ['POST', `send messages with POST, and open a stream at ${path}`];
		return new HttpRejection(405, -32601, `Method ${method} is not allowed: ${use}`, {
			headers: { Allow: `${allowed}, OPTIONS` },
		});
	}
}
