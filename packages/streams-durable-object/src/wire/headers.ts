/** Request header: the label of the object's shard. The root shard is opened without it. */
export const SHARD_HEADER = 'Sync-Layer-Shard';

/**
 * Response header: the rank of the stream among all sockets that resumed the same channel. The highest
 * rank is the current connection of the client.
 */
export const RANK_HEADER = 'Sync-Layer-Rank';

/** Response header: how many of the socket's first messages are replayed. */
export const REPLAYED_HEADER = 'Sync-Layer-Replayed';
