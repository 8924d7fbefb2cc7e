/** Request header: the label of the object's shard. The root shard is opened without it. */
export const SHARD_HEADER = 'Sync-Layer-Shard';

/**
 * Response header: the rank of the stream among all sockets that resumed the same channel. The highest
 * rank is the current connection of the client.
 */
export const RANK_HEADER = 'Sync-Layer-Rank';

/** Response header: how many of the socket's first messages are replayed. */
export const REPLAYED_HEADER = 'Sync-Layer-Replayed';

/** Response header: other streams of the group can share the socket. A release without it cannot do that. */
export const SHARED_HEADER = 'Sync-Layer-Shared';

/** Response header of a stream that shares a socket: it is closed for good, with a code of `FINAL_CLOSE_CODES`. */
export const CLOSED_HEADER = 'Sync-Layer-Closed';
