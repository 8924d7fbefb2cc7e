/** What the stream of a call carried, in order. */
export interface CallEvents {
	/** The stream, as `newCallStream` named it. */
	readonly stream: string;
	/** The sequence of the first frame; each next one counts up by one. */
	readonly first: number;
	/** SSE frames with their ids. */
	readonly frames: readonly string[];
	/** Whether the last frame ends the stream: it is the answer. */
	readonly isComplete: boolean;
}

/**
 * What a stream manager offers whose streams can be resumed. Its `create` looks for the id that the
 * client saw last in the scope of the request (`RequestScope.lastEventId`):
 *
 * - one of a GET stream: what was sent to the session on that stream since, then live, without a gap
 *   and without a repetition;
 * - one of a call: what `keepCall` kept after it and what it still gets; the stream ends with the
 *   answer. One of which nothing was kept is waited for, since a client may be back before its call
 *   has said anything;
 * - any other, or one that is older than what is kept: live, with an event that tells of the gap
 *   (`gapFrame`), of which `onError` is told too.
 *
 * A stream that is not resumed begins with a `primingFrame`; one that is has an id already, and
 * begins with what was missed.
 *
 * What waits for a client that does not read is bounded (`BoundedStream`): it is cut, and comes back
 * for the rest. What is replayed is bounded by the log alone.
 */
export interface ResumableStreams {
	/**
	 * Keeps what a call has said, within the bounds of the log. A client that has come back for it gets
	 * it at once, in whatever isolate. The same frames may be kept twice: they are sent once.
	 *
	 * @throws {StreamError} where the backend cannot be reached.
	 */
	keepCall(session: string, events: CallEvents): Promise<void>;
}

/** Whether a stream manager's streams can be resumed. */
export function hasResumableStreams<Manager extends object>(
	manager: Manager,
): manager is Manager & ResumableStreams {
	return 'keepCall' in manager && typeof manager.keepCall === 'function';
}
