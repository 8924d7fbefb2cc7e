import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

import { PACKAGE } from './package-name.ts';

/** Reports session data or settings that violate a schema, a limit or the storage format. */
export class SessionStateError extends TmcpSessionsError {
	override readonly name = 'SessionStateError';
	constructor(message: string, options?: ErrorOptions) {
		super('session-state', PACKAGE, message, options);
	}
}

/** Reports that a session's tokens cannot be stored, read or refreshed. */
export class SessionAuthError extends TmcpSessionsError {
	override readonly name = 'SessionAuthError';
	constructor(message: string, options?: ErrorOptions) {
		super('session-auth', PACKAGE, message, options);
	}
}

/** Reports that a session could not be archived or restored. */
export class ArchiveError extends TmcpSessionsError {
	override readonly name = 'ArchiveError';
	constructor(message: string, cause?: unknown) {
		super('archive', PACKAGE, cause === undefined ? message : `${message}: ${reasonOf(cause)}`, {
			cause,
		});
	}
}
