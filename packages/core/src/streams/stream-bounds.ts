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

/**
 * The most streams that a client may hold open in all of its sessions of a shard, and as many inboxes
 * and streams that resume calls: an eighth of what an object accepts each, so that a client with many
 * sessions leaves room for others.
 */
export const MAX_STREAMS_PER_CLIENT = 4_096;

/** The most subscriptions that a client may hold open in a shard. */
export const MAX_SUBSCRIPTIONS_PER_CLIENT = 1_024;

/** How long a stream that resumes a call waits if the call has no stored events. */
export const UNKNOWN_CALL_WAIT_MS: number = 2 * 60 * 1_000;

/** Why the oldest stream of a session was closed. */
export const TOO_MANY_STREAMS: string = `a session has at most ${MAX_STREAMS_PER_SESSION} open streams: the oldest was closed. The client should close the streams that it does not need`;

/** Why a stream that resumes a call was rejected. */
export const TOO_MANY_CALLS: string = `a session waits for at most ${MAX_CALLS_PER_SESSION} calls at a time. Retry after some of them have been answered`;

/** Why a stream or an inbox of a client with many sessions was rejected. */
export const TOO_MANY_OF_CLIENT: string = `a client may have at most ${MAX_STREAMS_PER_CLIENT} open streams, and as many calls in flight. End some of its sessions first`;

/** Why a subscription was rejected. */
export const TOO_MANY_SUBSCRIPTIONS: string = `a client may have at most ${MAX_SUBSCRIPTIONS_PER_CLIENT} open subscriptions. End some of them first`;
