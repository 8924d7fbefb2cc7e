/**
 * What a stream manager may offer besides tmcp's interface: whether anybody listens. `has` cannot say
 * it, since a transport that sees true refuses the client's next stream.
 */
export interface StreamPresence {
	/**
	 * Whether the session has an open stream, in whatever isolate. One whose client left unnoticed
	 * counts as open; one that has just lost its way to the backend does not until it is back.
	 *
	 * @throws {StreamError} where the backend cannot be reached.
	 */
	hasOpenStream(session: string): Promise<boolean>;
}

/** Whether a stream manager knows which sessions have an open stream. */
export function hasStreamPresence<Manager extends object>(
	manager: Manager,
): manager is Manager & StreamPresence {
	return 'hasOpenStream' in manager && typeof manager.hasOpenStream === 'function';
}
