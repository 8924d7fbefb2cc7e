import { reasonOf } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { answerCheck, DEFAULT_LOG_BOUNDS, ROOT_SHARD } from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { PruneAlarm } from './alarm.ts';
import type { ScheduleAlarm } from './alarm.ts';
import { SqlCallLog } from './call-log.ts';
import { CallSockets, rejectionOfCall, rejectionOfClient } from './call-sockets.ts';
import { SqlEndedSessions } from './ended-sessions.ts';
import type { EndedSessions } from './ended-sessions.ts';
import { clientTags, closeQuietly, trySend } from './hibernating-sockets.ts';
import { LostCalls } from './lost-calls.ts';
import { splitByRowSize, SqlMessageLog } from './message-log.ts';
import { SharedSockets } from './shared-sockets.ts';
import { openStorage } from './storage.ts';
import { StreamSender } from './stream-sender.ts';
import {
	attachCall,
	attachStream,
	callOfInbox,
	closeOldest,
	groupServedBy,
	groupTag,
	INBOX,
	inboxTag,
	openStreams,
	rankStream,
	sessionOf,
	sessionTag,
	STREAM_TAG,
} from './stream-sockets.ts';
import type { StreamAttachment, StreamSocket } from './stream-sockets.ts';
import { SubscriptionSockets } from './subscription-sockets.ts';
import { parseCallPosition } from '../wire/call-position.ts';
import type { ChangeInterests } from '../wire/change-interests.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { CLOSED_HEADER, RANK_HEADER, REPLAYED_HEADER, SHARED_HEADER } from '../wire/headers.ts';
import { MAX_SHARED_STREAMS } from '../wire/limits.ts';
import { NO_ROOM, UNKNOWN_SOCKET } from '../wire/statuses.ts';
import type { InboxPurpose, SocketPurpose, StreamPurpose } from '../wire/socket-purpose.ts';
import { formatNumbered } from '../wire/stream-messages.ts';

/** Configures a hub. */
export interface StreamHubOptions {
	/** Sets the object's alarm, unless an alarm is set. The object calls `prune` when it fires. */
	readonly scheduleAlarm: ScheduleAlarm;
	/** Bounds of the message log, and of the call log. Default: `DEFAULT_LOG_BOUNDS`. */
	readonly bounds?: LogBounds | undefined;
	/** Returns the label of the object's shard, which is part of event ids. Default: the root's. */
	readonly getShard?: (() => string) | undefined;
	/** Remembers ended sessions. Default: in SQLite. */
	readonly ended?: EndedSessions | undefined;
}

/**
 * Connects streams, subscriptions and inboxes in one Durable Object. Each has a hibernating WebSocket to
 * the object, which streams may share. Between messages the object leaves memory, and the sockets stay open.
 *
 * Messages are logged for clients that reconnect. No state is in memory alone: it is in SQLite and in
 * the tags and attachments of sockets, so that a new instance continues after hibernation.
 */
export class StreamHub {
	readonly #state: DurableObjectState;
	readonly #bounds: LogBounds;
	readonly #log: SqlMessageLog;
	readonly #shared: SharedSockets;
	readonly #sender: StreamSender;
	readonly #calls: CallSockets;
	readonly #callLog: SqlCallLog;
	readonly #lostCalls: LostCalls;
	readonly #ended: EndedSessions;
	readonly #subscriptions: SubscriptionSockets;
	readonly #alarm: PruneAlarm;

	/** @throws {StreamError} if the class has no SQLite. */
	constructor(state: DurableObjectState, options: StreamHubOptions) {
		const { scheduleAlarm, bounds = DEFAULT_LOG_BOUNDS, getShard = () => ROOT_SHARD } = options;
		const sql = openStorage(state.storage);
		this.#state = state;
		this.#bounds = bounds;
		// Half of the age, so that no message is kept for much longer than that.
		this.#alarm = new PruneAlarm(state, scheduleAlarm, bounds.ageMs / 2);
		this.#log = new SqlMessageLog(sql, bounds, getShard);
		this.#shared = new SharedSockets(state);
		this.#sender = new StreamSender(state, this.#shared, this.#log);
		this.#callLog = new SqlCallLog(sql, bounds);
		this.#calls = new CallSockets(state, this.#callLog);
		this.#lostCalls = new LostCalls(sql);
		this.#ended = options.ended ?? new SqlEndedSessions(sql);
		this.#subscriptions = new SubscriptionSockets(state);
	}

	/**
	 * Accepts a new socket and returns its other end. Responds 410 to a new stream of an ended session, 429
	 * if the session or the client has too many sockets, 503 if the object has.
	 */
	accept(purpose: SocketPurpose): Response {
		if (purpose.role === 'stream' && this.#isTooLate(purpose)) {
			return new Response('the session has ended', { status: 410 });
		}
		const rejection = this.#rejection(purpose);
		if (rejection) return new Response(rejection, { status: 429 });

		const { 0: client, 1: server } = new WebSocketPair();
		try {
			const headers = this.#accept(server, purpose);
			return new Response(null, { status: 101, webSocket: client, headers });
		} catch (error) {
			// Usually the platform's limit of 32,768 sockets: more shards take more.
			return new Response(reasonOf(error), { status: 503 });
		}
	}

	/**
	 * Opens or resumes a stream that shares the socket of another one. Responds as `accept` does, with what
	 * the stream missed as a JSON array; 409 if the object does not have the socket, 507 if it has no room, 503
	 * if the object has too many such streams.
	 */
	join(purpose: StreamPurpose): Response {
		const { place, via, session, client } = purpose;
		if (this.#isTooLate(purpose)) return new Response('the session has ended', { status: 410 });
		const rejection = this.#rejection(purpose);
		if (rejection) return new Response(rejection, { status: 429 });
		const carrier = place && via !== undefined ? this.#shared.find(place.group, via) : undefined;
		if (!carrier || !place) return new Response('unknown socket', { status: UNKNOWN_SOCKET });
		const hasRoom = carrier.hasRoomFor([{ session, client }]);
		if (!hasRoom || parseCallPosition(purpose.lastEventId)) {
			return new Response('no room for a stream', { status: NO_ROOM });
		}
		if (this.#hasEnded(purpose)) {
			const code = FINAL_CLOSE_CODES.sessionEnded;
			return Response.json([], { headers: { [CLOSED_HEADER]: `${code}` } });
		}
		if (this.#shared.count >= MAX_SHARED_STREAMS) {
			const reason = `an object has at most ${MAX_SHARED_STREAMS} streams that share sockets`;
			return new Response(reason, { status: 503 });
		}
		const { frames, attachment } = this.#openStream(purpose, Date.now());
		const stream = this.#shared.add(carrier, { place, attachment, client });
		closeOldest(this.#sender.read(session), stream);
		return Response.json(frames, { headers: { [RANK_HEADER]: `${attachment.rank}` } });
	}

	/**
	 * Returns whether the session has an open stream.
	 *
	 * @param session the id, URI encoded, as for all methods here.
	 */
	has(session: string): boolean {
		return this.#sender.read(session).length > 0;
	}

	/** Returns whether the session, or any session, has a stream that is open or can be resumed. */
	hasHistory(session?: string): boolean {
		return this.#log.hasHistory(session);
	}

	/** Returns what each open subscription selects. */
	subscriptionInterests(): ChangeInterests[] {
		return this.#subscriptions.interests();
	}

	/** Ends all streams of the session, also one that opens now, and deletes what they could be resumed from. */
	delete(session: string): void {
		if (this.#ended.add(session, Date.now())) this.#alarm.set();
		for (const stream of this.#sender.read(session)) stream.close(FINAL_CLOSE_CODES.sessionEnded);
		this.#log.delete(session);
		this.#calls.delete(session);
	}

	/**
	 * Sends an SSE frame once to each session, on the newest stream that takes it, and logs it for
	 * sessions whose stream is disconnected.
	 *
	 * @param sessions `undefined` is every session.
	 * @returns a promise that resolves when the message was sent; `undefined` if it was sent at once.
	 */
	broadcast(sessions: readonly string[] | undefined, frame: string): Promise<void> | undefined {
		if (!sessions) {
			if (!this.#log.hasHistory()) return undefined;
			return this.#sender.send(undefined, { sequence: this.#append(undefined, frame), frame });
		}
		const receivers = [...new Set(sessions)]
			.map((session) => ({ session, streams: this.#sender.streamsOf(session) }))
			.filter(({ session, streams }) => streams.length > 0 || this.#log.hasHistory(session));
		const sending = splitByRowSize(receivers).flatMap((batch) => {
			const to = new Map(batch.map(({ session, streams }) => [session, streams]));
			const message = { sequence: this.#append([...to.keys()], frame), frame };
			return this.#sender.send(to, message) ?? [];
		});
		return sending.length > 0 ? Promise.all(sending).then(() => undefined) : undefined;
	}

	/** Returns whether the response to a call is stored. */
	isComplete(session: string, call: string): boolean {
		return this.#callLog.isComplete(session, call);
	}

	/**
	 * Logs events of a call, and sends them to the streams that resumed the call.
	 *
	 * @param client a hash of the client, whose calls share the log with those of others.
	 */
	keepCall(session: string, events: CallEvents, client?: string): void {
		this.#calls.keep(session, events, Date.now(), client);
		this.#alarm.set();
	}

	/** Sends a notification to the subscriptions that requested this change. @returns as `broadcast`. */
	sendSubscription(notification: JSONRPCRequest): Promise<void> | undefined {
		return this.#subscriptions.send(notification);
	}

	/**
	 * Sends a message to every open inbox of the session, or of one call.
	 *
	 * @returns the number of inboxes that it was sent to. With `call`, 0 only if the call is lost: no
	 * inbox of it will reconnect, and its response is not stored.
	 */
	deliver(session: string, message: string, call?: string): number {
		const inboxes = this.#state
			.getWebSockets(inboxTag(session))
			.filter((socket) => call === undefined || callOfInbox(socket) === call);
		const received = inboxes.filter((socket) => trySend(socket, message)).length;
		if (received > 0 || call === undefined) return received;
		if (this.#callLog.isComplete(session, call)) return 1;
		this.#alarm.set();
		return this.#lostCalls.isLost(session, call, Date.now()) ? 0 : 1;
	}

	/** Sets the alarm for the next `prune`, unless it is set. */
	schedulePrune(): void {
		this.#alarm.set();
	}

	/**
	 * Prunes the logs. Call it when the alarm fires. Sets the next alarm if anything has to be pruned
	 * later.
	 *
	 * @returns whether the object is empty: it has no sockets and nothing to prune.
	 */
	prune(): boolean {
		this.#alarm.markFired();
		const nowMs = Date.now();
		const beforeMs = nowMs - this.#bounds.ageMs;
		const isOpen = (session: string): boolean => this.has(session);
		const remaining = [
			this.#log.prune(beforeMs),
			this.#log.deleteIdle(isOpen, nowMs),
			this.#callLog.prune(beforeMs),
			this.#calls.closeStale(beforeMs),
			this.#lostCalls.prune(beforeMs),
			this.#ended.prune(beforeMs),
		];
		const isClean = !remaining.includes(true);
		if (!isClean) this.#alarm.set();
		return isClean && this.#state.getWebSockets().length === 0;
	}

	/**
	 * Completes the closing handshake of a socket, which the platform does itself only from
	 * compatibility date 2026-04-07 on.
	 *
	 * @returns the session whose stream it was; `undefined` for other sockets.
	 */
	handleClose(socket: WebSocket): string | undefined {
		closeQuietly(socket);
		if (this.#shared.handleClose(socket)) {
			this.#alarm.set();
			return undefined;
		}
		const group = groupServedBy(socket);
		if (group !== undefined) this.#sendCounts(group);
		const session = sessionOf(socket);
		// The client may never reconnect: the alarm then deletes its session.
		if (session !== undefined) this.#alarm.set();
		return session;
	}

	/** Handles a message of a Worker. */
	handleMessage(socket: WebSocket, message: string | ArrayBuffer): void {
		answerCheck(socket, message);
		// The clients may never reconnect: the alarm then deletes their sessions.
		if (this.#shared.handleMessage(socket, message)) this.#alarm.set();
	}

	/** Returns why the socket cannot be accepted, or `undefined` if it can. */
	#rejection(purpose: SocketPurpose): string | undefined {
		if (purpose.role === 'subscription') return this.#subscriptions.rejection(purpose);
		const { client, session } = purpose;
		if (purpose.role === 'inbox') {
			return (
				rejectionOfCall(this.#state.getWebSockets(inboxTag(session))) ??
				rejectionOfClient(this.#state, INBOX, client)
			);
		}
		if (parseCallPosition(purpose.lastEventId)) return this.#calls.rejection(purpose);
		return rejectionOfClient(this.#state, STREAM_TAG, client, this.#shared.countOf(client));
	}

	/** @returns the headers that tell the Worker the state of its stream. */
	#accept(socket: WebSocket, purpose: SocketPurpose): Record<string, string> {
		if (purpose.role === 'stream') return this.#acceptStream(socket, purpose);
		if (purpose.role === 'subscription') this.#subscriptions.accept(socket, purpose);
		else this.#acceptInbox(socket, purpose);
		return {};
	}

	#acceptInbox(socket: WebSocket, { session, call, client }: InboxPurpose): void {
		this.#state.acceptWebSocket(socket, [inboxTag(session), ...clientTags(INBOX, client)]);
		if (call === undefined) return;
		attachCall(socket, call);
		this.#lostCalls.markFound(session, call);
	}

	/**
	 * Accepts a stream and replays what it missed. Synchronous: a message that is published before is
	 * replayed, one that is published after is sent, and none is both or neither.
	 */
	#acceptStream(socket: WebSocket, purpose: StreamPurpose): Record<string, string> {
		const { session, lastEventId, client, place } = purpose;
		const nowMs = Date.now();
		if (this.#hasEnded(purpose)) {
			this.#state.acceptWebSocket(socket);
			closeQuietly(socket, FINAL_CLOSE_CODES.sessionEnded);
			return {};
		}
		const call = parseCallPosition(lastEventId);
		if (call) {
			const replayed = this.#calls.accept(socket, purpose, call, nowMs);
			this.#alarm.set();
			return { [REPLAYED_HEADER]: `${replayed}` };
		}
		const { frames, attachment } = this.#openStream(purpose, nowMs);
		const isShared = purpose.isShared === true && place !== undefined;
		const stream = isShared
			? this.#shared.add(this.#shared.accept(socket, place), { place, attachment, client })
			: this.#acceptOwn(socket, purpose, attachment);
		closeOldest(this.#sender.read(session), stream);
		for (const [number, frame] of frames.entries())
			trySend(socket, place ? formatNumbered(number, frame) : frame);
		return {
			[RANK_HEADER]: `${attachment.rank}`,
			[REPLAYED_HEADER]: `${frames.length}`,
			...(isShared && { [SHARED_HEADER]: '1' }),
		};
	}

	#acceptOwn(
		socket: WebSocket,
		{ session, client, place }: StreamPurpose,
		attachment: StreamAttachment,
	): StreamSocket {
		this.#state.acceptWebSocket(socket, [
			STREAM_TAG,
			sessionTag(session),
			...clientTags(STREAM_TAG, client),
			...(place ? [groupTag(place.group)] : []),
		]);
		return attachStream(socket, attachment);
	}

	/** Opens or resumes a stream in the log. @returns what it missed, and its state. */
	#openStream(
		purpose: StreamPurpose,
		nowMs: number,
	): { frames: readonly string[]; attachment: StreamAttachment } {
		const { session, lastEventId, client } = purpose;
		const others = this.#sender.streamsOf(session);
		const { channel, isCurrent, frames } = this.#log.open(session, lastEventId, nowMs, client);
		const state = { channel, isCurrent, sent: frames.length };
		return { frames, attachment: rankStream(purpose, state, others, nowMs) };
	}

	/** Returns whether a stream, which is neither reconnecting nor that of a call, opens after its session has ended. */
	#isTooLate({ session, lastEventId, rank }: StreamPurpose): boolean {
		return rank === undefined && !parseCallPosition(lastEventId) && this.#ended.has(session);
	}

	/** Returns whether the session of a stream has ended, which may reconnect long after that. */
	#hasEnded({ session, lastEventId, rank }: StreamPurpose): boolean {
		if (this.#ended.has(session)) return true;
		if (rank === undefined) return false;
		const isOwn = lastEventId?.startsWith(`${this.#log.shard}/${this.#log.epoch}/`);
		return isOwn === true && !this.#log.hasHistory(session);
	}

	#append(sessions: readonly string[] | undefined, frame: string): number {
		this.#alarm.set();
		return this.#log.append(sessions, frame, Date.now());
	}

	/** Sends the streams of a group the numbers of their messages, after one of their sockets has closed. */
	#sendCounts(group: string): void {
		for (const stream of openStreams(this.#state.getWebSockets(groupTag(group))))
			stream.sendCount();
	}
}
