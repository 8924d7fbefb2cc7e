import { StreamError } from '@tmcp-sessions/core';

import { PACKAGE } from './package-name.ts';

/**
 * Creates the error of an operation that failed.
 *
 * @param operation in words, such as "opening a stream".
 * @param bound which bound the client has reached, if that is the reason.
 */
export function createStreamError(operation: string, cause: unknown, bound?: string): StreamError {
	return new StreamError(PACKAGE, operation, cause, bound);
}
