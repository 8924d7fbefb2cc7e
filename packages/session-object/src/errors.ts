import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

import { PACKAGE } from './package-name.ts';

/** What a session keeps breaks a rule: its schema, a limit, or the shape that it was stored in. */
export class SessionStateError extends TmcpSessionsError {
	override readonly name = 'SessionStateError';
	constructor(message: string, options?: ErrorOptions) {
		super('session-state', PACKAGE, message, options);
	}
}

/** A token of a session cannot be kept, read or refreshed. */
export class SessionAuthError extends TmcpSessionsError {
	override readonly name = 'SessionAuthError';
	constructor(message: string, options?: ErrorOptions) {
		super('session-auth', PACKAGE, message, options);
	}
}

/** A session could not be archived or restored. */
export class ArchiveError extends TmcpSessionsError {
	override readonly name = 'ArchiveError';
	constructor(message: string, cause?: unknown) {
		super('archive', PACKAGE, cause === undefined ? message : `${message}: ${reasonOf(cause)}`, {
			cause,
		});
	}
}
