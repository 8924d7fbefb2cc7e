import { TmcpSessionsError } from '@tmcp-sessions/core';

export const PACKAGE = 'state';

/** Thrown if state cannot be read or written: an invalid key or value, or no session. */
export class StateError extends TmcpSessionsError {
	override readonly name = 'StateError';
	constructor(message: string) {
		super('session-state', PACKAGE, message);
	}
}

/**
 * Thrown if a handle is rejected. A client may see the message: it is the same for a handle that is
 * forged, used, expired, or of another caller.
 */
export class HandleError extends TmcpSessionsError {
	override readonly name = 'HandleError';
	constructor() {
		super(
			'state-handle',
			PACKAGE,
			"the handle is not one of this server's for this caller, was used, or has expired: " +
				'call the tool without it to begin anew',
		);
	}
}

export function configurationError(message: string): TmcpSessionsError {
	return new TmcpSessionsError('configuration', PACKAGE, message);
}
