import { isCallStream, parseEventId, reasonOf } from '@tmcp-sessions/core/backend';
import type { CallEvents, EventPosition } from '@tmcp-sessions/core/backend';
import {
	DEFAULT_LOG_BOUNDS,
	loggedFrame,
	MAX_CALLS_PER_SESSION,
	ROOT_SHARD,
	TOO_MANY_CALLS,
} from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { PruneAlarm } from './alarm.ts';
import type { ScheduleAlarm } from './alarm.ts';
import { SqlCallLog } from './call-log.ts';
import { CallSockets } from './call-sockets.ts';
import { inRows, SqlMessageLog } from './message-log.ts';
import { ShardRegistration } from './shard-registration.ts';
import { ShardRegistry } from './shard-registry.ts';
import { openStorage } from './storage.ts';
import {
	bySession,
	closeOldest,
	closeQuietly,
	inboxTag,
	isStream,
	markCurrent,
	newestFirst,
	openStreams,
	rankSocket,
	sessionOf,
	sessionTag,
	STREAM_TAG,
	trySend,
} from './stream-sockets.ts';
import type { StreamSocket } from './stream-sockets.ts';
import { SubscriptionSockets } from './subscription-sockets.ts';
import { FINAL_CLOSE_CODES } from '../wire/close-codes.ts';
import { RANK_HEADER, REPLAYED_HEADER, SHARD_HEADER } from '../wire/headers.ts';
import type { Publication } from '../wire/publication.ts';
import { parsePurpose } from '../wire/socket-purpose.ts';
import type { SocketPurpose, StreamPurpose } from '../wire/socket-purpose.ts';

/** What a hub needs beside the state of its object. */
export interface StreamHubOptions {
	/**
	 * Sets the object's alarm, unless it is set already. The object calls `prune` when it fires.
	 */
	readonly scheduleAlarm: ScheduleAlarm;
	/** Bounds of the message log, and of the call log. Default: `DEFAULT_LOG_BOUNDS`. */
	readonly bounds?: LogBounds | undefined;
	/**
	 * The object's `env`, in which a shard finds its own namespace to register at the root. Omit it for
	 * an object that is no shard.
	 */
	readonly env?: object | undefined;
}

/**
 * Connects streams, subscriptions and inboxes in one Durable Object. Each holds one hibernating
 * WebSocket to the object; between messages the object leaves memory and the sockets stay.
 *
 * Messages are logged for clients that reconnect. No state lives in memory alone: it is in SQLite and
 * in the tags and attachments of sockets, so that a new instance continues after hibernation.
 */
export class StreamHub {
	readonly #state: DurableObjectState;
	readonly #bounds: LogBounds;
	readonly #log: SqlMessageLog;
	readonly #calls: CallSockets;
	readonly #callLog: SqlCallLog;
	readonly #subscriptions: SubscriptionSockets;
	readonly #registration: ShardRegistration | undefined;
	readonly #shards: ShardRegistry;
	readonly #alarm: PruneAlarm;

	/** @throws {StreamError} if the class has no SQLite. */
	constructor(state: DurableObjectState, options: StreamHubOptions) {
		const { scheduleAlarm, bounds = DEFAULT_LOG_BOUNDS, env } = options;
		const sql = openStorage(state.storage);
		this.#state = state;
		this.#bounds = bounds;
		// Half of the age, so that no message is kept for much longer than that.
		this.#alarm = new PruneAlarm(state, scheduleAlarm, bounds.ageMs / 2);
		this.#registration = env && new ShardRegistration(state, env);
		this.#shards = new ShardRegistry(sql);
		this.#log = new SqlMessageLog(sql, bounds, this.#registration ?? { shard: ROOT_SHARD });
		this.#callLog = new SqlCallLog(sql, bounds);
		this.#calls = new CallSockets(state, this.#callLog);
		this.#subscriptions = new SubscriptionSockets(state);
		// A reset can lose all sockets without a close event: the alarm then unregisters the shard.
		if (this.#registration?.isListed && state.getWebSockets().length === 0) this.#alarm.set();
	}

	/**
	 * Accepts the socket of a Worker's upgrade request. Responds 426 without an upgrade, 400 to an
	 * invalid purpose, 503 if the shard cannot be registered at the root, and as `accept` otherwise.
	 */
	async fetch(request: Request): Promise<Response> {
		if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
			const upgrade = { status: 426, headers: { Upgrade: 'websocket' } };
			return new Response('Expected a WebSocket upgrade', upgrade);
		}
		const purpose = parsePurpose(request.url);
		if (!purpose) return new Response('Expected a session or a subscription', { status: 400 });

		if (this.#registration && purpose.role !== 'inbox') {
			try {
				await this.#registration.ensure(request.headers.get(SHARD_HEADER));
			} catch (cause) {
				this.#alarm.set();
				return new Response(`the shard was not registered: ${reasonOf(cause)}`, { status: 503 });
			}
		}
		return this.accept(purpose);
	}

	/**
	 * Accepts a new socket and returns its other end. Responds 429 if the session or the principal has
	 * too many sockets, 503 if the object has.
	 */
	accept(purpose: SocketPurpose): Response {
		const refusal = this.#refusal(purpose);
		if (refusal) return new Response(refusal, { status: 429 });

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
	 * Sends the publications of one turn, in order.
	 *
	 * @returns the shards that are registered here, which is at the root.
	 */
	publish(publications: readonly Publication[]): string[] {
		for (const publication of publications) {
			if ('notification' in publication) this.sendSubscription(publication.notification);
			else this.broadcast(publication.sessions, publication.frame);
		}
		return this.#shards.labels();
	}

	/** Registers a shard, which is about to accept its first socket. */
	addShard(shard: string, token: string): void {
		this.#shards.add(shard, token);
	}

	/** Removes an empty shard, unless it has registered again under another token. */
	removeShard(shard: string, token: string): void {
		this.#shards.remove(shard, token);
	}

	/**
	 * Returns whether the session has an open stream.
	 *
	 * @param session the id, URI encoded, as for all methods here.
	 */
	has(session: string): boolean {
		return this.#streamsOf(session).length > 0;
	}

	/** Ends all streams of the session, and deletes what they could be resumed from. */
	delete(session: string): void {
		for (const { socket } of this.#streamsOf(session)) {
			closeQuietly(socket, FINAL_CLOSE_CODES.sessionEnded);
		}
		this.#log.forget(session);
		this.#calls.delete(session);
	}

	/**
	 * Sends an SSE frame once to each session, on the newest stream that takes it, and logs it for
	 * sessions whose stream is disconnected.
	 *
	 * @param sessions `undefined` is every session.
	 */
	broadcast(sessions: readonly string[] | undefined, frame: string): void {
		if (!sessions) {
			if (!this.#log.knows()) return;
			const sequence = this.#append(undefined, frame);
			for (const streams of bySession(openStreams(this.#state.getWebSockets(STREAM_TAG))))
				this.#send(streams, sequence, frame);
			return;
		}
		const receivers = [...new Set(sessions)]
			.map((session) => ({ session, streams: this.#streamsOf(session) }))
			.filter(({ session, streams }) => streams.length > 0 || this.#log.knows(session));
		for (const batch of inRows(receivers)) {
			const sequence = this.#append(
				batch.map(({ session }) => session),
				frame,
			);
			for (const { streams } of batch) this.#send(streams, sequence, frame);
		}
	}

	/** Logs events of a call, and sends them to the streams that resumed the call. */
	keepCall(session: string, events: CallEvents): void {
		this.#calls.keep(session, events, Date.now());
		this.#alarm.set();
	}

	/** Sends a notification to the subscriptions that requested this change. */
	sendSubscription(notification: JSONRPCRequest): void {
		this.#subscriptions.send(notification);
	}

	/**
	 * Sends a message to every open inbox of the session.
	 *
	 * @returns the number of inboxes that it was sent to.
	 */
	deliver(session: string, message: string): number {
		const inboxes = this.#state.getWebSockets(inboxTag(session));
		return inboxes.filter((socket) => trySend(socket, message)).length;
	}

	/** Prunes the logs after an alarm, and sets the next alarm unless the object is empty. */
	async prune(): Promise<void> {
		this.#alarm.markFired();
		const nowMs = Date.now();
		const beforeMs = nowMs - this.#bounds.ageMs;
		const isOpen = (session: string): boolean => this.has(session);
		const left = [
			this.#log.prune(beforeMs),
			this.#log.forgetIdle(isOpen, nowMs),
			this.#callLog.prune(beforeMs),
			this.#calls.endWaiting(beforeMs),
		];
		const isEmpty = !left.includes(true) && this.#state.getWebSockets().length === 0;
		if (isEmpty && this.#registration) left.push(!(await this.#registration.leave()));
		if (left.includes(true)) this.#alarm.set();
	}

	/**
	 * Completes the closing handshake of a socket, which the platform does itself only from
	 * compatibility date 2026-04-07 on.
	 *
	 * @returns the session whose stream it was; `undefined` for other sockets.
	 */
	handleClose(socket: WebSocket): string | undefined {
		closeQuietly(socket);
		// The session may never reconnect, and the shard may be empty now: the alarm prunes both.
		if (isStream(socket) || this.#registration?.isListed) this.#alarm.set();
		return sessionOf(socket);
	}

	/** Returns why the socket cannot be accepted, or `undefined` if it can. */
	#refusal(purpose: SocketPurpose): string | undefined {
		if (purpose.role === 'subscription') return this.#subscriptions.refusal(purpose);
		if (purpose.role === 'stream') return this.#calls.refusal(purpose);
		const inboxes = this.#state.getWebSockets(inboxTag(purpose.session)).length;
		return inboxes < MAX_CALLS_PER_SESSION ? undefined : TOO_MANY_CALLS;
	}

	/** @returns the headers of the response, from which the Worker learns the state of its stream. */
	#accept(socket: WebSocket, purpose: SocketPurpose): Record<string, string> {
		if (purpose.role === 'stream') return this.#acceptStream(socket, purpose);
		if (purpose.role === 'subscription') this.#subscriptions.accept(socket, purpose);
		else this.#state.acceptWebSocket(socket, [inboxTag(purpose.session)]);
		return {};
	}

	/**
	 * Accepts a stream and replays what it missed. Synchronous: a message that is published before is
	 * replayed, one that is published after is sent, and none is both or neither.
	 */
	#acceptStream(socket: WebSocket, purpose: StreamPurpose): Record<string, string> {
		const { session, lastEventId } = purpose;
		const nowMs = Date.now();
		const position = parseEventId(lastEventId ?? '');
		if (position && isCallStream(position.stream)) {
			const replayed = this.#calls.accept(socket, session, position, nowMs);
			this.#alarm.set();
			return { [REPLAYED_HEADER]: `${replayed}` };
		}
		if (purpose.rank !== undefined && this.#hasEnded(session, position)) {
			this.#state.acceptWebSocket(socket);
			closeQuietly(socket, FINAL_CLOSE_CODES.sessionEnded);
			return {};
		}
		const others = this.#streamsOf(session);
		const opened = this.#log.open(session, lastEventId, nowMs);
		this.#state.acceptWebSocket(socket, [STREAM_TAG, sessionTag(session)]);
		const { rank } = rankSocket(socket, purpose, opened, others, nowMs);
		closeOldest(this.#streamsOf(session), socket);
		for (const frame of opened.frames) trySend(socket, frame);
		return { [RANK_HEADER]: `${rank}`, [REPLAYED_HEADER]: `${opened.frames.length}` };
	}

	/** Returns whether this object had the reconnecting stream, and its session has ended since. */
	#hasEnded(session: string, position: EventPosition | undefined): boolean {
		const isOwn = position?.stream.startsWith(`${this.#log.shard}/${this.#log.epoch}/`);
		return isOwn === true && !this.#log.knows(session);
	}

	#append(sessions: readonly string[] | undefined, frame: string): number {
		this.#alarm.set();
		return this.#log.append(sessions, frame, Date.now());
	}

	/** @param streams those of one session. */
	#send(streams: readonly StreamSocket[], sequence: number, frame: string): void {
		for (const newest of newestFirst(streams)) {
			const { session, channel, isCurrent } = newest.attachment;
			if (!isCurrent) {
				this.#log.makeCurrent(session, channel, sequence);
				markCurrent(newest, streams);
			}
			if (trySend(newest.socket, loggedFrame(this.#log, channel, sequence, frame))) return;
		}
	}

	#streamsOf(session: string): StreamSocket[] {
		return openStreams(this.#state.getWebSockets(sessionTag(session)));
	}
}
