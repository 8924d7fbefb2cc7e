import type { JSONRPCRequest } from 'json-rpc-2.0';

/** A stream of a session in a process. */
type StreamAddress = readonly [session: string, stream: string];

/** An event that a script publishes to a process. */
export type RedisEvent =
	/** A message for streams, or for the current streams of all sessions. */
	| readonly [
			kind: 'm',
			epoch: string,
			sequence: number,
			streams: readonly StreamAddress[] | null,
			frame: string,
	  ]
	/** A stream has become the current one of its session (1), or is it no longer (0). */
	| readonly [kind: 'c', session: string, stream: string, version: number, isCurrent: 0 | 1]
	/** A stream has to be closed, because its session has too many. */
	| readonly [kind: 'e', session: string, stream: string]
	/** A session has ended. */
	| readonly [kind: 'E', session: string]
	/** Events of a call. */
	| readonly [
			kind: 'k',
			session: string,
			call: string,
			first: number,
			isComplete: boolean,
			frames: readonly string[],
	  ]
	/** A message for inboxes. */
	| readonly [kind: 'i', delivery: string, inboxes: readonly string[], message: string]
	/** A notification for subscriptions. */
	| readonly [kind: 'n', notification: JSONRPCRequest];

/** Parses an event. */
export function parseRedisEvent(text: string): RedisEvent {
	// Safe because only the scripts publish to the channels of processes.
	return JSON.parse(text) as RedisEvent;
}
