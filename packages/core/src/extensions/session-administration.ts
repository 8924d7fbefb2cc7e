import type { Principal } from '../principal.ts';
import type { ClientInfo } from '../store/session-store.ts';

/** A live session in a listing. */
export interface ListedSession {
	/** The internal id, as managers, tools and logs know it. A client cannot use it. */
	readonly id: string;
	/** Milliseconds since the epoch. */
	readonly createdAtMs: number;
	readonly expiresAtMs: number;
	/** What the client called itself at `initialize`, unverified. */
	readonly clientInfo: ClientInfo | undefined;
}

/** One page of live sessions. */
export interface SessionPage {
	/** About `limit`: Redis may return a few more. May be empty although there are more. */
	readonly sessions: readonly ListedSession[];
	/** For the next page. Undefined if this is the last one. */
	readonly cursor: string | undefined;
}

/** Which page to return. */
export interface ListSessionsOptions {
	/** The cursor of the page before. Default: the first page. */
	readonly cursor?: string | undefined;
	/** From 1 to 1,000. Default: 100. */
	readonly limit?: number | undefined;
}

/**
 * An optional capability of info managers: what operators need to end sessions and to see them. Never
 * part of serving a request.
 */
export interface SessionAdministration {
	/**
	 * Ends all sessions of a subject: for a logout, a ban or an erasure. Sessions that are opened later
	 * are not affected.
	 *
	 * @param principal what the option `principal` of the handler returned: a principal, or the subject
	 * itself. The sessions of all clients of the subject end, whatever the client of the principal.
	 * @returns the internal ids of its sessions, including some that had ended before. Pass each of them to
	 * `delete` of the stream manager to end open streams at once.
	 * @throws {TmcpSessionsError} `configuration`, if the subject is not a non-empty string.
	 * @throws {StoreError} if the backend cannot be reached. Some sessions may have ended; try again.
	 */
	endSessionsOf(principal: Principal | string): Promise<string[]>;

	/**
	 * Lists live sessions in no particular order. A session that is opened or ended meanwhile may be
	 * missing or listed.
	 *
	 * @throws {TmcpSessionsError} `configuration`, if the limit or the cursor is invalid.
	 * @throws {StoreError} if the backend cannot be reached.
	 */
	listSessions(options?: ListSessionsOptions): Promise<SessionPage>;
}

/** Whether an info manager implements `SessionAdministration`. */
export function hasSessionAdministration<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionAdministration {
	return (
		'endSessionsOf' in manager &&
		typeof manager.endSessionsOf === 'function' &&
		'listSessions' in manager &&
		typeof manager.listSessions === 'function'
	);
}
