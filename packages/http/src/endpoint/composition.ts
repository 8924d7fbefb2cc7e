import type { SessionIds } from '@tmcp-sessions/core/internal';

import type { Route, SessionIdIssuer } from './handler-seams.ts';

/** How a package composes a handler whose sessions live elsewhere. Not an option of a deployment. */
export interface HandlerComposition {
	/** Replaces the session ids of `createSessionIds`, and may be built from them. */
	readonly sessionIds?: ((ids: SessionIds) => SessionIdIssuer) | undefined;
	/**
	 * Answers in place of the server. GET streams and rejected requests stay with the handler. Without
	 * it, the server of this handler answers.
	 */
	readonly route?: Route | undefined;
}
