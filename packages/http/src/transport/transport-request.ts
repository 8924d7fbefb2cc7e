import type { CallSignal } from '../calls/call-signal.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import { ForwardingProxy } from '../request/forwarding-proxy.ts';
import { methodOf, paramsOf } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { statelessVersionOf } from '../validation/stateless-requests.ts';

/** The transport requires a URL. A request that came by RPC has none. */
const RPC_REQUEST = { url: 'http://localhost/' };

/**
 * Returns the request for the transport:
 *
 * - with the message that was read from it;
 * - with the signal of the call: a client that disconnects has not cancelled its request;
 * - without the client's session id, if managers know the session by another one. The transport then
 *   uses its `getSessionId`.
 *
 * Not a copy of the request, which costs a tenth of the whole call.
 *
 * @param message replaces the one of the context.
 */
export function transportRequest(context: RequestContext, message?: unknown): Request {
	// Safe because the members that this class lacks are forwarded.
	return new TransportRequest(context, message) as unknown as Request;
}

class TransportRequest extends ForwardingProxy<Pick<Request, 'url'>> {
	readonly headers: CachedHeaders;
	readonly method: string;
	readonly signal: CallSignal;
	readonly #context: RequestContext;
	readonly #message: unknown;

	constructor(context: RequestContext, message: unknown) {
		const { method, request } = context.origin;
		super(request ?? RPC_REQUEST);
		this.headers = transportHeaders(context);
		this.method = method;
		this.signal = context.progress.signal;
		this.#context = context;
		this.#message = message;
	}

	async json(): Promise<unknown> {
		return this.#message ?? this.#context.takeMessage();
	}
}

/** The transport knows one spelling of the content type, and requires stateless headers. */
function transportHeaders(context: RequestContext): CachedHeaders {
	const { headers, isStateless, message, sessionId } = context;
	const isOther = (headers.get('mcp-session-id') ?? '') !== sessionId;
	const isJson = message === undefined || headers.get('content-type') === 'application/json';
	const mirrored = isStateless ? mirroredHeaders(headers, message) : undefined;
	if (!isOther && isJson && !mirrored) return headers;
	return headers.withValues({
		...(isOther && { 'mcp-session-id': null }),
		...(!isJson && { 'content-type': 'application/json' }),
		...mirrored,
	});
}

/**
 * Returns the headers that repeat a part of a stateless message, if the client names another revision
 * in its header. Only a server of this era alone accepts such a client.
 */
function mirroredHeaders(
	headers: CachedHeaders,
	message: unknown,
): Record<string, string> | undefined {
	const version = statelessVersionOf(message);
	if (version === undefined || headers.get('mcp-protocol-version') === version) return undefined;
	const { name, uri } = paramsOf(message);
	const target = name ?? uri;
	return {
		'mcp-protocol-version': version,
		'mcp-method': headers.get('mcp-method') ?? methodOf(message) ?? '',
		...(typeof target === 'string' && {
			'mcp-name': headers.get('mcp-name') ?? `=?base64?${base64Of(target)}?=`,
		}),
	};
}

function base64Of(text: string): string {
	return btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
}
