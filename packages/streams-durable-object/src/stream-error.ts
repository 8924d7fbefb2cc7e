import { StreamError } from '@tmcp-sessions/core';

import { PACKAGE } from './package-name.ts';

/**
 * Creates the error of an operation that failed.
 *
 * @param operation in words, such as "opening a stream".
 */
export function createStreamError(operation: string, cause: unknown): StreamError {
	return new StreamError(PACKAGE, operation, cause);
}
