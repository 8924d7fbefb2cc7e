import { runInScope } from '@tmcp-sessions/core';

import type { RequestWork } from './request-work.ts';

/**
 * The request as the transport gets to see it: itself, but
 *
 * - with the message that has been read from it: a copy in the stateless era, where a tool may change
 *   its arguments, but a request's state is bound to what the client sent;
 * - with the signal of the call: a client that drops its connection has not cancelled its request,
 *   except in the stateless era, which has no other way to cancel. What the transport then does
 *   runs for the request, whoever tells that its client is gone;
 * - without a session id where the client's does not count, or is not what managers call the session:
 *   the transport asks for that.
 *
 * A proxy, since a copy of the request costs a tenth of what the whole call costs.
 */
export function transportRequest(request: Request, work: RequestWork): Request {
	if (work.headers.get('mcp-session-id') !== work.sessionId)
		work.headers.set('mcp-session-id', null);
	// The transport knows it in this spelling alone.
	if (work.message !== undefined) work.headers.set('content-type', 'application/json');
	if (work.endsWithClient) {
		const abort = (): void => runInScope(work, () => work.signal.abort());
		if (request.signal.aborted) abort();
		else request.signal.addEventListener('abort', abort, { once: true });
	}
	const headers = work.headers.asHeaders();
	return new Proxy(request, {
		get(target, key) {
			if (key === 'headers') return headers;
			if (key === 'signal') return work.signal;
			if (key === 'json') return () => Promise.resolve(messageFor(work));
			const member: unknown = Reflect.get(target, key, target);
			return typeof member === 'function' ? (member.bind(target) as unknown) : member;
		},
	});
}

function messageFor({ message, endsWithClient }: RequestWork): unknown {
	return endsWithClient ? structuredClone(message) : message;
}
