import type { RequestOrigin } from '../request/request-context.ts';
import type { SessionSource } from '../session/session-source.ts';

/** A request whose path, host, origin and caller are checked. */
export interface IncomingRequest extends RequestOrigin {
	/** Undefined if the deployment has no sessions. */
	readonly sessions: SessionSource | undefined;
}
