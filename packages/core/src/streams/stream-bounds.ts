/**
 * The most streams that a session may hold open to listen. One more closes the oldest, so that a
 * client that reconnects repeatedly is always served: its oldest connection is the dead one.
 */
export const MAX_STREAMS_PER_SESSION = 32;

/**
 * The most inboxes of in-flight requests of a session, and the most streams that resume its calls.
 * One more is rejected: the older ones wait for a response, and the client can retry.
 */
export const MAX_CALLS_PER_SESSION = 256;

/** How long a stream that resumes a call waits if the call has no stored events. */
export const UNKNOWN_CALL_WAIT_MS: number = 2 * 60 * 1_000;

/** Why the oldest stream of a session was closed. */
export const TOO_MANY_STREAMS: string = `a session has at most ${MAX_STREAMS_PER_SESSION} open streams: the oldest was closed. The client should close the streams that it does not need`;

/** Why a stream that resumes a call was rejected. */
export const TOO_MANY_CALLS: string = `a session waits for at most ${MAX_CALLS_PER_SESSION} calls at a time. Retry after some of them have been answered`;
