import { StreamError } from '@tmcp-sessions/core';
import { redisFailure } from '@tmcp-sessions/redis';

import { PACKAGE } from './package-name.ts';

/** Creates the error of an operation that Redis or the connection to it failed. */
export function createStreamError(operation: string, cause: unknown): StreamError {
	if (cause instanceof StreamError) return cause;
	return new StreamError(PACKAGE, operation, redisFailure(cause));
}
