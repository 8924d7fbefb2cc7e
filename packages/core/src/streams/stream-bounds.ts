/**
 * The most open streams of a session that listen. One more ends the oldest: a client that comes back
 * over and over is always served, and the oldest of its connections is the one that is dead.
 */
export const MAX_STREAMS_PER_SESSION = 32;

/**
 * The most calls of a session that are waited for at a time: inboxes of requests at work, and as many
 * streams that came back for a call. One more is refused: those that wait were first, and one that
 * was refused may come again.
 */
export const MAX_CALLS_PER_SESSION = 256;

/** How long a client that came back for a call waits where nothing of the call is known. */
export const UNKNOWN_CALL_WAIT_MS: number = 2 * 60 * 1_000;

/** Why the oldest stream of a session was ended. */
export const TOO_MANY_STREAMS: string = `a session has at most ${MAX_STREAMS_PER_SESSION} open streams: its oldest one was ended. Its client should close those that it does not need`;

/** Why a stream that came back for a call was refused. */
export const TOO_MANY_CALLS: string = `a session waits for at most ${MAX_CALLS_PER_SESSION} calls at a time. Try again when some of them have their answer`;
