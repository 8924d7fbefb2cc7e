import { isLogLevel } from '@tmcp-sessions/core/internal';

import { paramsOf } from '../request/json-rpc.ts';
import { invalidParams } from '../request/http-rejection.ts';

/** Methods that change the session, and need a server that stores it. */
const STATEFUL: ReadonlySet<string> = new Set([
	'logging/setLevel',
	'resources/subscribe',
	'resources/unsubscribe',
]);

/** Whether a method is useless on a server that stores no session state. */
export function requiresSessionState(method: string | undefined): boolean {
	return method !== undefined && STATEFUL.has(method);
}

/**
 * Checks params that are stored with the session. tmcp passes on whatever the client sent, and a
 * record with an invalid value could not be read again.
 *
 * @throws {HttpRejection} -32602 for an invalid log level, or a URI that is no string.
 */
export function checkStoredParams(method: string | undefined, message: unknown): void {
	const { level, uri } = paramsOf(message);
	if (method === 'logging/setLevel' && !isLogLevel(level)) {
		// Official clients may send such a level: the status is that of any error of a method.
		throw invalidParams('level must be one of the eight syslog levels', 200);
	}
	const isSubscription = method !== 'logging/setLevel' && requiresSessionState(method);
	if (isSubscription && typeof uri !== 'string') throw invalidParams('uri must be a string');
}
