import { runInScope } from '@tmcp-sessions/core';
import type { ExecutionContextLike, OAuthHelper } from '@tmcp-sessions/http';
import {
	acceptedAnswer,
	checkIds,
	checkInitialize,
	checkProtocolVersion,
	errorMessage,
	idOf,
	invalidRequest,
	isAnswer,
	isCancellation,
	isObject,
	isStateless,
	liveResponse,
	methodOf,
	readMessage,
	Refusal,
	refusalDetailOf,
} from '@tmcp-sessions/http/parts';
import type {
	CallsAtWork,
	CheckedOptions,
	JsonObject,
	RequestWork,
} from '@tmcp-sessions/http/parts';
import type { InfoSessionManager, StreamSessionManager } from '@tmcp/session-manager';
import type { SseTransport } from '@tmcp/transport-sse';

import { endpointFirst } from './endpoint-event.ts';
import type { SseSessions } from './sse-sessions.ts';

/** What an endpoint is made of. */
export interface EndpointParts<
	Custom extends Record<string, unknown> | undefined,
> extends CheckedOptions {
	readonly transport: SseTransport<Custom>;
	readonly sessions: SseSessions;
	readonly streams: StreamSessionManager;
	readonly info: InfoSessionManager;
	readonly calls: CallsAtWork;
	readonly oauth: OAuthHelper | undefined;
	readonly path: string;
	readonly endpoint: string;
	readonly context: ((request: Request) => Custom | Promise<Custom>) | undefined;
	/** @throws {TmcpSessionsError} where the deployment lacks keys that this host needs. */
	readonly checkHost: (url: URL) => void;
}

/**
 * The two addresses of the transport: what a request must be before the transport gets it, and what
 * becomes of its answer.
 */
export class SseEndpoint<Custom extends Record<string, unknown> | undefined> {
	readonly #parts: EndpointParts<Custom>;

	constructor(parts: EndpointParts<Custom>) {
		this.#parts = parts;
	}

	/**
	 * @throws {Refusal} for what the rules do not allow.
	 * @throws {StoreError} {@link StreamError} where a backend is down.
	 */
	async respond(
		request: Request,
		work: RequestWork,
		platform: ExecutionContextLike | undefined,
	): Promise<Response> {
		const { callers, checkHost, endpoint, oauth, origins, path, transport } = this.#parts;
		const url = new URL(request.url);
		const isOurs = url.pathname === path || url.pathname === endpoint;
		if (isOurs) origins.check(work.headers, url);
		const answered = await oauth?.respond?.(request);
		if (answered) return answered;
		if (!isOurs) return new Response('Not found', { status: 404 });
		checkHost(url);
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
			throw new Refusal({
				status: 405,
				code: -32601,
				message: `${request.method} is not served here: ${use}`,
				headers: { Allow: `${allowed}, OPTIONS` },
			});
		});
	}

	/** A new session: it lives as long as this stream. */
	async #get(request: Request, work: RequestWork): Promise<Response> {
		const { calls, endpoint, heartbeatMs, info, path, sessions, transport } = this.#parts;
		checkProtocolVersion(work.headers);
		acceptedAnswer(work.headers, ['sse']);
		const session = await sessions.open(work.principal, work.shard);
		work.sessionId = session;
		work.isListening = true;
		work.endsWithClient = true;
		const origin = work.headers.get('origin');
		// The origin is for its CORS headers alone.
		const headers = { 'mcp-session-id': session, ...(origin !== null && { origin }) };
		const answer = await transport.respond(new Request(new URL(path, request.url), { headers }));
		if (!answer?.body) throw new Error('expected the transport to open a stream; found none');
		answer.headers.delete('mcp-session-id');
		answer.headers.delete('connection');
		answer.headers.set('X-Accel-Buffering', 'no');
		const end = async (): Promise<void> => {
			await Promise.all([(async () => info.delete(session))(), calls.end(session)]);
		};
		const url = `${endpoint}?sessionId=${encodeURIComponent(session)}`;
		const body = endpointFirst(answer.body, url, () =>
			runInScope(work, () => work.waitUntil(end())),
		);
		return liveResponse(answer, body, work, heartbeatMs, () => {});
	}

	/** A message: accepted at once, and answered on the stream. */
	async #post(request: Request, work: RequestWork, url: URL): Promise<Response> {
		const { calls, context, maxBodyBytes, sessions } = this.#parts;
		checkProtocolVersion(work.headers);
		work.sessionId = await sessions.require(url, work.principal);
		const message = await readMessage(request, work.headers, maxBodyBytes);
		work.message = message;
		checkMessage(message);
		if (isStateless(work.headers, message)) {
			throw invalidRequest('This transport has sessions; send this over Streamable HTTP');
		}
		work.messageId = methodOf(message) === undefined ? undefined : idOf(message);
		await sessions.requireStream(work.sessionId, methodOf(message) === 'initialize');
		if (isAnswer(message) || isCancellation(message)) {
			await calls.deliver(work.sessionId, message);
		} else {
			const custom = await context?.(request);
			// Nobody waits for it: a client may send its next message, such as the answer to a question
			// of this call, only when this one was accepted.
			work.waitUntil(this.#handle(new URL(url.pathname, url), work, message, custom));
			calls.watch(work);
		}
		return new Response(null, { status: 202 });
	}

	/** Lets the server answer on the stream. */
	async #handle(
		url: URL,
		work: RequestWork,
		message: JsonObject,
		custom: Custom | undefined,
	): Promise<void> {
		const { streams, transport } = this.#parts;
		try {
			const answer = await transport.respond(
				new Request(url, {
					method: 'POST',
					headers: { 'content-type': 'application/json', 'mcp-session-id': work.sessionId },
					body: JSON.stringify(message),
				}),
				custom,
			);
			if (!answer || answer.status < 400) return;
			work.report(new Error(`the transport could not answer: ${await answer.text()}`));
			if (work.messageId === undefined) return;
			const error = errorMessage(refusalDetailOf(undefined), work.messageId);
			await streams.send([work.sessionId], `event: message\ndata: ${JSON.stringify(error)}\n\n`);
		} finally {
			work.finish();
		}
	}
}

/** @throws {Refusal} 400, for what is no message of the protocol. */
function checkMessage(message: unknown): asserts message is JsonObject {
	if (!isObject(message)) throw invalidRequest('The body must be one JSON-RPC message');
	checkIds(message);
	const isMessage = methodOf(message) !== undefined || isAnswer(message);
	const hasParams = message.params === undefined || isObject(message.params);
	if (message['jsonrpc'] !== '2.0' || !isMessage || !hasParams) {
		throw invalidRequest('The body must be a JSON-RPC 2.0 request, notification or response');
	}
	if (methodOf(message) === 'initialize') checkInitialize(message);
}
