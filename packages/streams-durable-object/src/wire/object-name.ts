import { ROOT_SHARD } from '@tmcp-sessions/core/internal';

/** Returns the name of the Durable Object that is this shard. */
export function objectName(shard: string): string {
	return shard === ROOT_SHARD ? 'TMCP_DURABLE_OBJECT' : `TMCP_DURABLE_OBJECT/${shard}`;
}
