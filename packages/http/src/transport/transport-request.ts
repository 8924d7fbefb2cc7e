import { runInScope } from '@tmcp-sessions/core/internal';

import type { CallSignal } from '../calls/call-signal.ts';
import type { RequestContext } from '../request/request-context.ts';
import { ForwardingProxy } from './forwarding-proxy.ts';

/**
 * The request as the transport gets to see it: itself, but
 *
 * - with the message that has been read from it: one of its own in the stateless era, where a tool
 *   may change its arguments, but a request's state is bound to what the client sent;
 * - with the signal of the call: a client that drops its connection has not cancelled its request;
 * - without a session id where the client's does not count, or is not what managers call the session:
 *   the transport asks for that.
 *
 * No copy of the request, which costs a tenth of what the whole call costs.
 */
export function transportRequest(request: Request, work: RequestContext): Request {
	if (work.headers.get('mcp-session-id') !== work.sessionId)
		work.headers.set('mcp-session-id', null);
	// The transport knows it in this spelling alone.
	if (work.message !== undefined) work.headers.set('content-type', 'application/json');
	// Sound: what is not there is forwarded.
	return new TransportRequest(request, work) as unknown as Request;
}

/**
 * Ends the work when its client leaves, where it is to end with that: the stateless era has no other
 * way to cancel. What the transport then does runs for the request, whoever tells of it.
 */
export function followClient(request: Request, work: RequestContext): void {
	if (!work.endsWithClient) return;
	// Not looked at before: a signal costs as much as the rest of a call's rules.
	const { signal } = request;
	const abort = (): void => runInScope(work, () => work.signal.abort());
	if (signal.aborted) abort();
	else signal.addEventListener('abort', abort, { once: true });
}

class TransportRequest extends ForwardingProxy<Request> {
	readonly headers: Headers;
	readonly signal: CallSignal;
	readonly #work: RequestContext;

	constructor(request: Request, work: RequestContext) {
		super(request);
		this.headers = work.headers.asHeaders();
		this.signal = work.signal;
		this.#work = work;
	}

	get method(): string {
		return this.standsFor.method;
	}

	get url(): string {
		return this.standsFor.url;
	}

	json(): Promise<unknown> {
		const { message, text, endsWithClient } = this.#work;
		// A third of what it takes to clone it.
		return Promise.resolve(endsWithClient && text !== undefined ? JSON.parse(text) : message);
	}
}
