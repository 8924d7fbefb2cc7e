import type { IssuedSession } from '@tmcp-sessions/core/backend';

import type { HttpRejection } from '../request/http-rejection.ts';
import type { RequestOrigin } from '../request/request-context.ts';
import type { SessionSource } from '../session/session-source.ts';

/** A request whose path, host, origin and caller are checked. */
export interface IncomingRequest extends RequestOrigin {
	/** Undefined if the deployment has no sessions. */
	readonly sessions: SessionSource | undefined;
	/**
	 * The session that the request names, or why it names none: looked up before the body is read.
	 * Undefined if it was not looked up.
	 */
	readonly session?: HttpRejection | IssuedSession | undefined;
}
