/**
 * An optional capability of stream managers: whether a session has an open stream. tmcp's `has`
 * cannot tell, because a transport rejects a client's next stream if `has` returns true.
 */
export interface StreamPresence {
	/**
	 * Whether the session has an open stream, in any isolate. A stream whose client disconnected
	 * unnoticed counts as open; one that is reconnecting to the backend does not.
	 *
	 * @throws {StreamError} if the backend cannot be reached.
	 */
	hasOpenStream(session: string): Promise<boolean>;
}

/** Whether a stream manager implements `StreamPresence`. */
export function hasStreamPresence<Manager extends object>(
	manager: Manager,
): manager is Manager & StreamPresence {
	return 'hasOpenStream' in manager && typeof manager.hasOpenStream === 'function';
}
