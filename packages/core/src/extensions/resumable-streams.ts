/** Consecutive events of the stream of a call. */
export interface CallEvents {
	/** The stream, as `newCallStream` named it. */
	readonly stream: string;
	/** The sequence of the first frame. Each following frame counts up by one. */
	readonly first: number;
	/** SSE frames with their ids. */
	readonly frames: readonly string[];
	/** Whether the last frame is the response to the call and so ends the stream. */
	readonly isComplete: boolean;
}

/**
 * An optional capability of stream managers: clients can resume streams. The manager's `create` reads
 * the event id from the scope of the request (`RequestScope.lastEventId`):
 *
 * - an id of a GET stream replays what was sent to the session on that stream since, then continues
 *   live, without gaps or duplicates;
 * - an id of a call replays what `keepCall` stored after it and continues with what it stores from
 *   then on; the stream ends with the response. A call without stored events is awaited, because a
 *   client may reconnect before its call has produced any;
 * - any other id, or one that is older than the log, continues live after an event that announces the
 *   gap (`gapFrame`), which is also reported to `onError`.
 *
 * For a client of 2025-11-25 (`knowsPolling`), a new stream begins with a `primingFrame`, and ends with
 * a `closingFrame` if the manager closes it while its session lives. Other clients get no events without
 * data and no `retry`: their streams begin with a comment, and a gap is a comment. A resumed stream
 * begins with the replay.
 *
 * `create` rejects with an `UnknownSessionError` after the session's `delete`: otherwise a stream that is
 * opened while its session ends would stay open.
 *
 * What is queued for a slow client is bounded (`BoundedStream`): the manager ends its stream, and the
 * client reconnects for the rest. What is replayed is bounded by the log only.
 */
export interface ResumableStreams {
	/**
	 * Stores events of a call, within the bounds of the log, and sends them to a client that has
	 * resumed the call, in any isolate. Frames that are passed twice are sent once.
	 *
	 * @throws {StreamError} if the backend cannot be reached.
	 */
	keepCall(session: string, events: CallEvents): Promise<void>;
}

/** Whether a stream manager implements `ResumableStreams`. */
export function hasResumableStreams<Manager extends object>(
	manager: Manager,
): manager is Manager & ResumableStreams {
	return 'keepCall' in manager && typeof manager.keepCall === 'function';
}
