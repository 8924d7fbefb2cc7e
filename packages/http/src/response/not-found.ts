import type { CachedHeaders } from '../request/cached-headers.ts';
import { HttpRejection } from '../request/http-rejection.ts';
import type { PlainAnswer } from './answer.ts';
import { howToConnect, isBrowserVisit } from './browser-answer.ts';
import type { ConnectionTarget } from './browser-answer.ts';

/**
 * Creates the answer to a path that the handler does not serve. A client that has sent a message gets a
 * JSON-RPC error, others a text, and a browser also how to connect.
 *
 * @param served states the address that is served.
 * @param target what a browser's client connects to.
 * @throws {HttpRejection} 404 for a message.
 */
export function notFound(
	{ method }: Request,
	headers: CachedHeaders,
	served: string,
	target: ConnectionTarget,
): PlainAnswer {
	const message = `Not found: ${served}`;
	if (method === 'POST' && /json/i.test(headers.get('content-type') ?? '')) {
		throw new HttpRejection(404, -32600, message);
	}
	const isVisit = isBrowserVisit(method, headers);
	const body = isVisit ? `${message}\n${howToConnect(target)}` : message;
	return { status: 404, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body };
}
