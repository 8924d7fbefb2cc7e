import type { RequestWork } from './request-work.ts';

/**
 * The request as the transport gets to see it: itself, but
 *
 * - with the message that has been read from it;
 * - with the signal of the call: a client that drops its connection has not cancelled its request,
 *   except in the stateless era, which has no other way to cancel;
 * - without a session id where the client's does not count.
 *
 * A proxy, since a copy of the request costs a tenth of what the whole call costs.
 */
export function transportRequest(request: Request, work: RequestWork): Request {
	const headers = headersFor(request, work);
	return new Proxy(request, {
		get(target, key) {
			if (key === 'headers') return headers;
			if (key === 'signal') return work.endsWithClient ? target.signal : work.signal;
			if (key === 'json') return () => Promise.resolve(work.message);
			const member: unknown = Reflect.get(target, key, target);
			return typeof member === 'function' ? (member.bind(target) as unknown) : member;
		},
	});
}

function headersFor({ headers }: Request, { sessionId }: RequestWork): Headers {
	const given = headers.get('mcp-session-id');
	if (given === null || given === sessionId) return headers;
	const others = new Headers(headers);
	others.delete('mcp-session-id');
	return others;
}
