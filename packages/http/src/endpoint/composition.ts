import type { SessionIds } from '@tmcp-sessions/core/internal';

import type { SessionIdIssuer } from '../session/session-id-issuer.ts';
import type { Route } from './route.ts';

/** How a package composes a handler whose sessions live elsewhere. Not an option of a deployment. */
export interface HandlerComposition {
	/** Replaces the ids of `createSessionIds`, from which it may build its own. */
	readonly sessionIds?: ((ids: SessionIds) => SessionIdIssuer) | undefined;
	/**
	 * Answers in place of the server. GET streams and rejected requests stay with the handler. Default:
	 * the handler's server answers.
	 */
	readonly route?: Route | undefined;
}
