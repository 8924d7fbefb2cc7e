import { isCallStream, parseEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents, EventPosition } from '@tmcp-sessions/core/backend';
import {
	MAX_CALLS_PER_SESSION,
	replayCall,
	TOO_MANY_CALLS,
	unknownCallFrame,
} from '@tmcp-sessions/core/internal';

import type { SqlCallLog } from './call-log.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import type { StreamPurpose } from '../wire/socket-purpose.ts';
import { closeQuietly, trySend } from './stream-sockets.ts';

/** Kept with the socket of a stream that resumed a call. */
interface CallAttachment {
	readonly session: string;
	readonly call: string;
	/** The sequence of the last event that its client got. */
	readonly seen: number;
	/** When it last got one. */
	readonly atMs: number;
}

const CALL_TAG = 'call';

/** The streams that clients opened to come back for a call, and what the calls have said. */
export class CallSockets {
	readonly #state: DurableObjectState;
	readonly #log: SqlCallLog;

	constructor(state: DurableObjectState, log: SqlCallLog) {
		this.#state = state;
		this.#log = log;
	}

	/** Why there is no place for one more stream of a session that resumes a call, where there is none. */
	refusal({ session, lastEventId = '' }: StreamPurpose): string | undefined {
		if (!isCallStream(parseEventId(lastEventId)?.stream ?? '')) return undefined;
		const waiting = this.#state.getWebSockets(callsTag(session)).length;
		return waiting < MAX_CALLS_PER_SESSION ? undefined : TOO_MANY_CALLS;
	}

	/**
	 * Takes the socket of a stream that resumes a call.
	 *
	 * @returns how many messages it was sent.
	 */
	accept(socket: WebSocket, session: string, position: EventPosition, nowMs: number): number {
		const { stream: call, sequence: seen } = position;
		this.#state.acceptWebSocket(socket, [CALL_TAG, callTag(call), callsTag(session)]);
		const attachment = { session, call, seen, atMs: nowMs };
		attach(socket, attachment);
		return tell(socket, attachment, this.#log.of(session, call), nowMs);
	}

	/** Keeps what a call has said, and tells those who came back for it. */
	keep(session: string, events: CallEvents, nowMs: number): void {
		const added = this.#log.keep(session, events, nowMs);
		if (!added) return;
		for (const { socket, attachment } of this.#open(callTag(events.stream))) {
			if (attachment.session === session) tell(socket, attachment, [added], nowMs);
		}
	}

	/** Ends the streams of a session's calls, and forgets the calls. */
	delete(session: string): void {
		for (const { socket } of this.#open(callsTag(session))) {
			closeQuietly(socket, FINAL_CLOSE_CODES.sessionEnded);
		}
		this.#log.forget(session);
	}

	/**
	 * Ends the streams that waited too long: what they wait for will hardly come, or is gone.
	 *
	 * @returns whether there are others.
	 */
	endWaiting(beforeMs: number): boolean {
		const open = this.#open(CALL_TAG);
		const stale = open.filter(({ attachment }) => attachment.atMs < beforeMs);
		for (const { socket, attachment } of stale) {
			const { call: stream, seen: sequence } = attachment;
			trySend(socket, unknownCallFrame({ stream, sequence }));
			closeQuietly(socket, FINAL_CLOSE_CODES.callComplete);
		}
		return stale.length < open.length;
	}

	#open(tag: string): { socket: WebSocket; attachment: CallAttachment }[] {
		return this.#state.getWebSockets(tag).flatMap((socket) => {
			const attachment: unknown = socket.deserializeAttachment();
			const isOpen = socket.readyState === WebSocket.OPEN;
			return isOpen && isCallAttachment(attachment) ? [{ socket, attachment }] : [];
		});
	}
}

/** Not a tag that a stream which listens has: no message goes to these. */
function callTag(call: string): string {
	return `call:${call}`;
}

function callsTag(session: string): string {
	return `calls:${session}`;
}

/** Sends what the client has not seen, and ends the stream with the answer. */
function tell(
	socket: WebSocket,
	attachment: CallAttachment,
	events: readonly CallEvents[],
	nowMs: number,
): number {
	const { frames, seen, isComplete } = replayCall(events, attachment.seen);
	for (const frame of frames) trySend(socket, frame);
	attach(socket, { ...attachment, seen, atMs: nowMs });
	if (isComplete) closeQuietly(socket, FINAL_CLOSE_CODES.callComplete);
	return frames.length;
}

function attach(socket: WebSocket, attachment: CallAttachment): void {
	socket.serializeAttachment(attachment);
}

function isCallAttachment(attachment: unknown): attachment is CallAttachment {
	return typeof attachment === 'object' && attachment !== null && 'call' in attachment;
}
