import { runInScope } from '@tmcp-sessions/core/internal';
import type { ExecutionContextLike, OAuthHelper } from '../options.ts';
import { negotiateResponseType, checkProtocolVersion } from '../validation/headers.ts';
import { invalidRequest, HttpRejection } from '../request/http-rejection.ts';
import { isStateless } from '../validation/stateless-requests.ts';
import { liveResponse } from '../response/sse.ts';
import { readMessage } from '../validation/body.ts';
import type { ResolvedOptions } from '../resolve-options.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { SseTransport } from '@tmcp/transport-sse';

import { endpointFirst } from './endpoint-event.ts';
import { enterMessage } from './enter-message.ts';
import type { SessionHost } from './session-host.ts';
import type { SseSessionIds } from './sse-session-ids.ts';

/** What an endpoint is made of. */
export interface EndpointDeps<
	Custom extends Record<string, unknown> | undefined,
> extends ResolvedOptions {
	readonly transport: SseTransport<Custom>;
	readonly ids: SseSessionIds;
	readonly host: SessionHost;
	readonly oauth: OAuthHelper | undefined;
	readonly path: string;
	readonly endpoint: string;
}

/**
 * The two addresses of the transport: what a request must be before the transport gets it, and what
 * becomes of its answer.
 */
export class SseEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #parts: EndpointDeps<Custom>;

	constructor(parts: EndpointDeps<Custom>) {
		this.#parts = parts;
	}

	/**
	 * @throws {HttpRejection} for what the rules do not allow.
	 * @throws {StoreError} {@link StreamError} where a backend is down.
	 */
	async respond(
		request: Request,
		work: RequestContext,
		platform: ExecutionContextLike | undefined,
	): Promise<Response> {
		const { callers, endpoint, ids, oauth, origins, path, transport } = this.#parts;
		const url = new URL(request.url);
		const isOurs = url.pathname === path || url.pathname === endpoint;
		if (isOurs) origins.check(work.headers, url);
		const answered = await oauth?.respond?.(request);
		if (answered) return answered;
		if (!isOurs) return new Response('Not found', { status: 404 });
		ids.checkHost(url);
		if (request.method === 'OPTIONS') {
			return (await transport.respond(request)) ?? new Response(null, { status: 204 });
		}
		const { auth, principal } = await callers.identify(request, platform);
		work.auth = auth;
		work.principal = principal;
		return runInScope(work, () => {
			if (request.method === 'GET' && url.pathname === path) return this.#get(request, work);
			if (request.method === 'POST' && url.pathname === endpoint) {
				return this.#post(request, work, url);
			}
			const [allowed, use] =
				url.pathname === path
					? ['GET', `open a stream with GET, and send messages to ${endpoint}`]
					: ['POST', `send messages with POST, and open a stream at ${path}`];
			throw new HttpRejection({
				status: 405,
				code: -32601,
				message: `${request.method} is not served here: ${use}`,
				headers: { Allow: `${allowed}, OPTIONS` },
			});
		});
	}

	/** A new session: it lives as long as this stream. */
	async #get(request: Request, work: RequestContext): Promise<Response> {
		const { endpoint, keepAliveMs, host, ids, path, transport } = this.#parts;
		checkProtocolVersion(work.headers);
		negotiateResponseType(work.headers, ['sse']);
		const session = await ids.open(work);
		work.sessionId = session;
		work.isListening = true;
		work.endsWithClient = true;
		work.watch = host.watch?.(work);
		const refused = await host.begin(request, work);
		if (refused) return refused;
		const origin = work.headers.get('origin');
		// The origin is for its CORS headers alone.
		const headers = { 'mcp-session-id': session, ...(origin !== null && { origin }) };
		const answer = await transport.respond(new Request(new URL(path, request.url), { headers }));
		if (!answer?.body) throw new Error('expected the transport to open a stream; found none');
		answer.headers.delete('mcp-session-id');
		answer.headers.delete('connection');
		answer.headers.set('X-Accel-Buffering', 'no');
		const url = `${endpoint}?sessionId=${encodeURIComponent(session)}`;
		const body = endpointFirst(answer.body, url, () =>
			runInScope(work, () => work.waitUntil(host.end(request, work))),
		);
		return liveResponse(answer, body, work, keepAliveMs, () => {});
	}

	/** A message: accepted at once, and answered on the stream. */
	async #post(request: Request, work: RequestContext, url: URL): Promise<Response> {
		const { host, ids, maxBodyBytes } = this.#parts;
		checkProtocolVersion(work.headers);
		work.sessionId = await ids.require(url, work);
		const message = enterMessage(work, await readMessage(request, work.headers, maxBodyBytes));
		if (isStateless(work.headers, message)) {
			throw invalidRequest('This transport has sessions; send this over Streamable HTTP');
		}
		return host.take(request, work, message);
	}
}
