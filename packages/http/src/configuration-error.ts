import { TmcpSessionsError } from '@tmcp-sessions/core';

/** Creates the error for an option or a variable that is missing or invalid. */
export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', 'http', message);
}
