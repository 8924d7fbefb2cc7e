/**
 * What a stream manager may offer besides tmcp's interface: a way to the requests that are at work
 * for a session, in whatever isolate they are. A client's answer, or its wish to cancel, arrives
 * with a request of its own, and that one is often served elsewhere.
 */
export interface SessionInboxes {
	/**
	 * Opens an inbox of the session. Once this has resolved, everything delivered to the session
	 * anywhere arrives here. Call it in the request that is at work: workerd lets no other request
	 * use what comes back, and `take` runs in this one.
	 *
	 * @param take gets each message once; it must not throw.
	 * @throws {StreamError} where the backend cannot be reached.
	 */
	openInbox(session: string, take: (message: string) => void): Promise<SessionInbox>;

	/**
	 * Hands a message to every open inbox of the session, and of no other.
	 *
	 * @returns how many inboxes took it.
	 * @throws {StreamError} where the backend cannot be reached.
	 */
	deliver(session: string, message: string): Promise<number>;
}

/** An open inbox. Whoever opened it closes it, in the same request. */
export interface SessionInbox {
	/** Ends the inbox; a second call does nothing. */
	close(): void;
}

/** Whether a stream manager offers inboxes. */
export function hasSessionInboxes<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionInboxes {
	return (
		'openInbox' in manager &&
		typeof manager.openInbox === 'function' &&
		'deliver' in manager &&
		typeof manager.deliver === 'function'
	);
}
