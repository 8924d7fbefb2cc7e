/**
 * An optional capability of info managers: sessions that expire when idle. An open stream counts as
 * use, so a handler that holds one calls `keepAlive` more often than every `idleMs`.
 */
export interface SessionExpiry {
	/** How long an unused session lives, in milliseconds. */
	readonly idleMs: number;
	/**
	 * Extends the expiry of a session as a request does, but waits for the write. The caller must try
	 * again soon after a rejection, or the session may expire.
	 *
	 * @returns whether the session is live.
	 * @throws {StoreError} if the read or the write failed.
	 */
	keepAlive(id: string): Promise<boolean>;
}

/** Whether an info manager implements `SessionExpiry`. */
export function hasSessionExpiry<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionExpiry {
	return 'keepAlive' in manager && typeof manager.keepAlive === 'function';
}
