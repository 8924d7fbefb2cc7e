import { shardOfSession } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { MAX_MESSAGE_CHARACTERS } from './limits.ts';

/** What an object is told in one call, with others of the same turn. */
export type Publication =
	/** An SSE frame for sessions, whose ids are URI encoded; `undefined` is every session. */
	| { readonly sessions: readonly string[] | undefined; readonly frame: string }
	/** A change, for the listeners that asked for it. */
	| { readonly notification: JSONRPCRequest };

/** Whether every shard has to be told. */
export function isForAll(publication: Publication): boolean {
	return 'notification' in publication || publication.sessions === undefined;
}

/** What each shard gets of a publication for named sessions. */
export function byShard(publication: Publication): Map<string, Publication> {
	if ('notification' in publication || !publication.sessions) return new Map();
	const { sessions, frame } = publication;
	const parts = new Map<string, Publication>();
	for (const [shard, named] of Map.groupBy(sessions, shardOfSession)) {
		parts.set(shard, { sessions: named, frame });
	}
	return parts;
}

/** In parts that fit into a call each, in order; one that fits into none has a part of its own. */
export function inCalls<Each extends { readonly publication: Publication }>(
	all: readonly Each[],
): Each[][] {
	const calls: Each[][] = [];
	let length = Infinity;
	for (const each of all) {
		const own = lengthOf(each.publication);
		length += own;
		const call = calls.at(-1);
		if (call && length <= MAX_MESSAGE_CHARACTERS) {
			call.push(each);
			continue;
		}
		calls.push([each]);
		length = own;
	}
	return calls;
}

function lengthOf(publication: Publication): number {
	if ('notification' in publication) return JSON.stringify(publication.notification).length;
	const { sessions = [], frame } = publication;
	return sessions.reduce((length, session) => length + session.length, frame.length);
}
