import { shardOfSession } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { splitBySize } from '../split-by-size.ts';
import { lengthProblem, MAX_FRAME_LENGTH, MAX_MESSAGE_LENGTH } from './limits.ts';

/** One message of a `publish` RPC, which carries all messages of the same turn. */
export type Publication =
	/** An SSE frame for sessions, by URI-encoded ids; `undefined` is every session. */
	| { readonly sessions: readonly string[] | undefined; readonly frame: string }
	/**
	 * A change, for the subscriptions that selected it; also for the receivers if it is published to all
	 * session objects. An earlier release has none.
	 */
	| { readonly notification: JSONRPCRequest; readonly isForReceivers?: true };

/** Returns whether the publication goes to every shard. */
export function isForAllShards(publication: Publication): boolean {
	return 'notification' in publication || publication.sessions === undefined;
}

/** Splits a publication for named sessions by their shards. */
export function splitByShard(publication: Publication): Map<string, Publication> {
	if ('notification' in publication || !publication.sessions) return new Map();
	const { sessions, frame } = publication;
	const byShard = new Map<string, Publication>();
	for (const [shard, named] of Map.groupBy(sessions, shardOfSession)) {
		byShard.set(shard, { sessions: named, frame });
	}
	return byShard;
}

/** Returns why a publication is too long to be sent, or `undefined`. */
export function publicationProblem(publication: Publication): string | undefined {
	if ('frame' in publication) return lengthProblem(publication.frame.length, MAX_FRAME_LENGTH);
	return lengthProblem(JSON.stringify(publication.notification).length);
}

/** Splits publications, in order, into batches that fit into one RPC each. */
export function splitByRpcSize<Item extends { readonly publication: Publication }>(
	items: readonly Item[],
): Item[][] {
	return splitBySize(items, MAX_MESSAGE_LENGTH, ({ publication }) => lengthOf(publication));
}

function lengthOf(publication: Publication): number {
	if ('notification' in publication) return JSON.stringify(publication.notification).length;
	const { sessions = [], frame } = publication;
	return sessions.reduce((length, session) => length + session.length, frame.length);
}
