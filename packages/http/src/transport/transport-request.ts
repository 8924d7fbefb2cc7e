import { runInScope } from '@tmcp-sessions/core/internal';

import type { CallSignal } from '../calls/call-signal.ts';
import type { PlatformRequest } from '../endpoint/message-server.ts';
import { ForwardingProxy } from '../request/forwarding-proxy.ts';
import type { RequestContext } from '../request/request-context.ts';

/** The transport requires a URL. A request that came by RPC has none. */
const RPC_REQUEST = { url: 'http://localhost/' };

/**
 * Returns the request for the transport:
 *
 * - with the message that was read from it. A stateless message is parsed anew: a tool may change its
 *   arguments, but a request state is bound to what the client sent;
 * - with the signal of the call: a client that disconnects has not cancelled its request;
 * - without the client's session id, if managers know the session by another one. The transport then
 *   uses its `getSessionId`.
 *
 * Not a copy of the request, which costs a tenth of the whole call.
 *
 * @param message replaces the one of the context.
 */
export function transportRequest(
	request: Pick<PlatformRequest, 'url'> | undefined,
	context: RequestContext,
	message?: unknown,
): Request {
	// Safe because the members that this class lacks are forwarded.
	return new TransportRequest(request ?? RPC_REQUEST, context, message) as unknown as Request;
}

/**
 * Aborts a request when its client disconnects, if it ends with the client: the stateless era has no
 * other cancellation. The transport's reaction runs in the scope of the request.
 */
export function followClient(
	request: Pick<PlatformRequest, 'signal'> | undefined,
	context: RequestContext,
): void {
	if (!request || !context.endsWithClient) return;
	// Read as late as this: a signal costs as much as the rest of a call's validation.
	const { signal } = request;
	const abort = (): void => runInScope(context, () => context.progress.signal.abort());
	if (signal.aborted) abort();
	else signal.addEventListener('abort', abort, { once: true });
}

class TransportRequest extends ForwardingProxy<Pick<PlatformRequest, 'url'>> {
	readonly headers: Headers;
	readonly method: string;
	readonly signal: CallSignal;
	readonly #context: RequestContext;
	readonly #message: unknown;

	constructor(request: Pick<PlatformRequest, 'url'>, context: RequestContext, message: unknown) {
		super(request);
		this.headers = transportHeaders(context);
		this.method = context.method;
		this.signal = context.progress.signal;
		this.#context = context;
		this.#message = message;
	}

	get url(): string {
		return this.standsFor.url;
	}

	json(): Promise<unknown> {
		const { isStateless, message, text } = this.#context;
		if (this.#message !== undefined) return Promise.resolve(this.#message);
		// To parse the text costs a third of a structured clone.
		return Promise.resolve(isStateless && text !== undefined ? JSON.parse(text) : message);
	}
}

/** The transport knows one spelling of the content type only. */
function transportHeaders({ headers, message, sessionId }: RequestContext): Headers {
	const isOther = headers.get('mcp-session-id') !== sessionId;
	const isJson = message === undefined || headers.get('content-type') === 'application/json';
	if (!isOther && isJson) return headers.asHeaders();
	return headers
		.withValues({
			...(isOther && { 'mcp-session-id': null }),
			...(!isJson && { 'content-type': 'application/json' }),
		})
		.asHeaders();
}
