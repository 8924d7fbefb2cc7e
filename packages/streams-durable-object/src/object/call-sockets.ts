import type { CallEvents, EventPosition } from '@tmcp-sessions/core/backend';
import {
	MAX_CALLS_PER_SESSION,
	MAX_STREAMS_PER_CLIENT,
	replayCall,
	TOO_MANY_CALLS,
	TOO_MANY_OF_CLIENT,
	unknownCallFrame,
} from '@tmcp-sessions/core/internal';

import type { SqlCallLog } from './call-log.ts';
import {
	clientTags,
	closeQuietly,
	hasSession,
	openSockets,
	trySend,
} from './hibernating-sockets.ts';
import type { AttachedSocket } from './hibernating-sockets.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import type { StreamPurpose } from '../wire/socket-purpose.ts';

/** The attachment of a stream that resumes a call. */
interface CallAttachment {
	readonly session: string;
	readonly call: string;
	/** The sequence of the last event that was sent. */
	readonly seen: number;
	/** When the last event was sent. */
	readonly atMs: number;
}

const CALL_TAG = 'call';

const MAX_CALL_IN_TAG = 128;

/** Serves the streams with which clients resume calls, from the log of the calls. */
export class CallSockets {
	readonly #state: DurableObjectState;
	readonly #log: SqlCallLog;

	constructor(state: DurableObjectState, log: SqlCallLog) {
		this.#state = state;
		this.#log = log;
	}

	/** Returns why a stream cannot resume a call, or `undefined` if it can. */
	rejection({ session, client }: StreamPurpose): string | undefined {
		return (
			rejectionOfCall(this.#state.getWebSockets(callsTag(session))) ??
			rejectionOfClient(this.#state, CALL_TAG, client)
		);
	}

	/**
	 * Accepts the socket of a stream that resumes a call, and replays what the client missed.
	 *
	 * @returns the number of replayed messages.
	 */
	accept(
		socket: WebSocket,
		{ session, client }: StreamPurpose,
		position: EventPosition,
		nowMs: number,
	): number {
		const { stream: call, sequence: seen } = position;
		this.#state.acceptWebSocket(socket, [
			CALL_TAG,
			callTag(call),
			callsTag(session),
			...clientTags(CALL_TAG, client),
		]);
		const attachment = { session, call, seen, atMs: nowMs };
		attach(socket, attachment);
		return sendEvents({ socket, attachment }, this.#log.eventsAfter(session, call, seen), nowMs);
	}

	/** Logs events of a call, and sends them to the streams that resumed it. */
	keep(session: string, events: CallEvents, nowMs: number, client?: string): void {
		const added = this.#log.keep(session, events, nowMs, client);
		if (!added) return;
		for (const stream of this.#open(callTag(events.stream))) {
			const { attachment } = stream;
			if (attachment.session !== session || attachment.call !== events.stream) continue;
			sendEvents(stream, [added], nowMs);
		}
	}

	/** Closes the streams of a session's calls, and deletes the calls from the log. */
	delete(session: string): void {
		for (const { socket } of this.#open(callsTag(session))) {
			closeQuietly(socket, FINAL_CLOSE_CODES.sessionEnded);
		}
		this.#log.delete(session);
	}

	/**
	 * Closes the streams that have received nothing since a time: their calls are lost or pruned.
	 *
	 * @returns whether other streams are open.
	 */
	closeStale(beforeMs: number): boolean {
		const open = this.#open(CALL_TAG);
		const stale = open.filter(({ attachment }) => attachment.atMs < beforeMs);
		for (const { socket, attachment } of stale) {
			const { call: stream, seen: sequence } = attachment;
			trySend(socket, unknownCallFrame({ stream, sequence }));
			closeQuietly(socket, FINAL_CLOSE_CODES.callComplete);
		}
		return stale.length < open.length;
	}

	#open(tag: string): AttachedSocket<CallAttachment>[] {
		return openSockets(this.#state.getWebSockets(tag), isCallAttachment);
	}
}

/** Returns why a session cannot wait for one more call, or `undefined` if it can. */
export function rejectionOfCall(waiting: readonly WebSocket[]): string | undefined {
	return waiting.length < MAX_CALLS_PER_SESSION ? undefined : TOO_MANY_CALLS;
}

/**
 * Returns why a client cannot have one more socket of a kind in all of its sessions, or `undefined` if
 * it can.
 *
 * @param client undefined if it is unknown: the bounds of a session apply alone.
 * @param shared the number of its streams without their own sockets.
 */
export function rejectionOfClient(
	state: DurableObjectState,
	kind: string,
	client: string | undefined,
	shared: number = 0,
): string | undefined {
	const [tag] = clientTags(kind, client);
	if (tag === undefined) return undefined;
	const count = state.getWebSockets(tag).length + shared;
	return count < MAX_STREAMS_PER_CLIENT ? undefined : TOO_MANY_OF_CLIENT;
}

/**
 * Differs from the tags of other streams: messages of the session must not reach these. A tag has room
 * for the random part of the name, but not for the id of every request.
 */
function callTag(call: string): string {
	return `call:${call.slice(0, MAX_CALL_IN_TAG)}`;
}

function callsTag(session: string): string {
	return `calls:${session}`;
}

/** Sends the events that the client has not seen, and closes the stream after the response. */
function sendEvents(
	{ socket, attachment }: AttachedSocket<CallAttachment>,
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
	return hasSession(attachment) && 'call' in attachment;
}
