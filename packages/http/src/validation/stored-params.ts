import { paramsOf } from '../request/json-rpc.ts';
import { HttpRejection } from '../request/http-rejection.ts';

/** Longer than any honest one, in characters: it is stored. */
const MAX_URI_LENGTH = 4_096;
const LEVELS: ReadonlySet<unknown> = new Set([
	...['debug', 'info', 'notice', 'warning'],
	...['error', 'critical', 'alert', 'emergency'],
]);

/**
 * What a session is to remember: tmcp hands on whatever the client sent, and a record that holds it
 * could not be read again.
 *
 * @throws {HttpRejection} -32602, for a level that is none, and for a uri that is no text or too long.
 */
export function checkStoredParams(method: string | undefined, message: unknown): void {
	const { level, uri } = paramsOf(message);
	if (method === 'logging/setLevel' && !LEVELS.has(level)) {
		throw invalidParams('level must be one of the eight levels of syslog', 200);
	}
	const isSubscription = method === 'resources/subscribe' || method === 'resources/unsubscribe';
	if (isSubscription && (typeof uri !== 'string' || uri.length > MAX_URI_LENGTH)) {
		throw invalidParams(`uri must be a text of at most ${MAX_URI_LENGTH} characters`, 400);
	}
}

/** @param status 200 as any error of a method, where the official clients may send such a thing. */
function invalidParams(message: string, status: number): HttpRejection {
	return new HttpRejection({ status, code: -32602, message: `Invalid params: ${message}` });
}
