import type { RequestOrigin } from '../request/request-context.ts';
import type { SessionSource } from '../session/session-source.ts';

/** A request whose path, host, origin and caller are checked. */
export interface IncomingRequest extends RequestOrigin {
	/** The platform's request. Undefined if the request came by RPC. */
	readonly request: Request | undefined;
	/** Undefined if the deployment has no sessions. */
	readonly sessions: SessionSource | undefined;
}

/** The message of a POST. */
export interface IncomingMessage {
	readonly text: string;
	/** `text`, parsed. */
	readonly message: unknown;
	/** The id of a request. Notifications and responses have none. */
	readonly messageId: string | number | undefined;
}
