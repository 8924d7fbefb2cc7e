import { shardOfSession } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { MAX_MESSAGE_LENGTH } from './limits.ts';

/** One message of a `publish` RPC, which carries all messages of the same turn. */
export type Publication =
	/** An SSE frame for sessions, by URI-encoded ids; `undefined` is every session. */
	| { readonly sessions: readonly string[] | undefined; readonly frame: string }
	/** A change, for the subscriptions that selected it. */
	| { readonly notification: JSONRPCRequest };

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

/** Splits publications, in order, into batches that fit into one RPC each. */
export function splitByRpcSize<Each extends { readonly publication: Publication }>(
	publications: readonly Each[],
): Each[][] {
	const batches: Each[][] = [];
	let batchLength = Infinity;
	for (const each of publications) {
		const length = lengthOf(each.publication);
		batchLength += length;
		const batch = batches.at(-1);
		if (batch && batchLength <= MAX_MESSAGE_LENGTH) {
			batch.push(each);
			continue;
		}
		batches.push([each]);
		batchLength = length;
	}
	return batches;
}

function lengthOf(publication: Publication): number {
	if ('notification' in publication) return JSON.stringify(publication.notification).length;
	const { sessions = [], frame } = publication;
	return sessions.reduce((length, session) => length + session.length, frame.length);
}
