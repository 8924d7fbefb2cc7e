import { TmcpSessionsError } from '@tmcp-sessions/core';

import { PACKAGE } from './package-name.ts';

/** Creates the error for a wrong factory or option. */
export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
