import { TmcpSessionsError } from '@tmcp-sessions/core';

import { PACKAGE } from './package-name.ts';

/** Creates the error for the wrong use of a task. */
export function taskError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('task', PACKAGE, message);
}

/** Creates the error for an option that is missing or invalid. */
export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
