/**
 * An optional capability of stream managers: messages for the in-flight requests of a session. A
 * client response or a cancellation arrives with a separate request, often in another isolate than
 * the call that waits for it.
 */
export interface SessionInboxes {
	/**
	 * Opens an inbox of the session. After it has resolved, the inbox receives every message that is
	 * delivered to the session in any isolate. Call it in the in-flight request: workerd lets no other
	 * request use the inbox, and `take` runs in this one.
	 *
	 * @param take receives each message once; it must not throw.
	 * @param call the resumable stream of the request, which `deliver` can name.
	 * @throws {StreamError} if the backend cannot be reached.
	 */
	openInbox(session: string, take: (message: string) => void, call?: string): Promise<SessionInbox>;

	/**
	 * Delivers a message to all open inboxes of the session, or of one call.
	 *
	 * @param call the resumable stream of the call.
	 * @returns the number of inboxes that received it. With `call`, 0 means that the call is lost: no
	 * request runs it, and its response is not stored. While that is unknown, because an inbox may be
	 * reconnecting, the result is at least 1.
	 * @throws {StreamError} if the backend cannot be reached.
	 */
	deliver(session: string, message: string, call?: string): Promise<number>;
}

/** An open inbox. Close it in the request that opened it. */
export interface SessionInbox {
	/** Closes the inbox. Idempotent. */
	close(): void;
}

/** Whether a stream manager implements `SessionInboxes`. */
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
