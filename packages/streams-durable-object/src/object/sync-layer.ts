import { isCallStream, parseEventId, reasonOf } from '@tmcp-sessions/core/backend';
import type { CallEvents, EventPosition } from '@tmcp-sessions/core/backend';
import {
	DEFAULT_LOG_BOUNDS,
	loggedFrame,
	MAX_CALLS_PER_SESSION,
	TOO_MANY_CALLS,
} from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';
import { DurableObject } from 'cloudflare:workers';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { SqlCallLog } from './call-log.ts';
import { SubscriptionSockets } from './subscription-sockets.ts';
import { inRows, SqlMessageLog } from './message-log.ts';
import { LogAlarm } from './alarm.ts';
import type { AlarmStorage } from './alarm.ts';
import type { Publication } from '../wire/publication.ts';
import { ResumedCalls } from './resumed-calls.ts';
import { ShardList } from './shard-list.ts';
import { SHARD_HEADER, ShardRegistration } from './shard-registration.ts';
import { FINAL_CODES, purposeOf, RANK_HEADER, REPLAYED_HEADER } from '../wire/socket-purpose.ts';
import type { SocketPurpose, StreamPurpose } from '../wire/socket-purpose.ts';
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
	sessionTag,
	STREAM_TAG,
	trySend,
} from './stream-sockets.ts';
import type { StreamSocket } from './stream-sockets.ts';

/**
 * A Durable Object that streams of a deployment meet in: one of its shards. Each open stream of a
 * client, each listener and each inbox holds one socket to it; between messages it leaves memory and
 * the sockets stay.
 *
 * What was sent is in its log, for those who come back for it. It keeps nothing in memory that
 * cannot be read again: what it knows is in the sockets' tags and attachments and in SQLite, so that
 * a new instance after a wake-up goes on where the old one was.
 */
export class SyncLayer extends DurableObject {
	/** What is kept of messages, and as much of calls. A subclass may have others. */
	static readonly logBounds: LogBounds = DEFAULT_LOG_BOUNDS;

	readonly #bounds: LogBounds;
	readonly #log: SqlMessageLog;
	readonly #calls: ResumedCalls;
	readonly #callLog: SqlCallLog;
	readonly #listeners: SubscriptionSockets;
	readonly #registration: ShardRegistration;
	readonly #shards: ShardList;
	readonly #alarm: LogAlarm;

	/**
	 * @param alarm where the object does other work too, whose alarm it shares: whoever has the alarm
	 * calls `alarm()` then. The platform gives none.
	 * @throws {StreamError} where the class has no SQLite.
	 */
	constructor(state: DurableObjectState, env: Cloudflare.Env, alarm: AlarmStorage = state.storage) {
		super(state, env);
		const sql = openStorage(state.storage);
		this.#bounds = new.target.logBounds;
		// Half an age, so that nothing is kept for much longer than one.
		this.#alarm = new LogAlarm(state, alarm, this.#bounds.ageMs / 2);
		this.#registration = new ShardRegistration(state, env);
		this.#shards = new ShardList(sql);
		this.#log = new SqlMessageLog(sql, this.#bounds, this.#registration);
		this.#callLog = new SqlCallLog(sql, this.#bounds);
		this.#calls = new ResumedCalls(state, this.#callLog);
		this.#listeners = new SubscriptionSockets(state);
		// All sockets may have been lost without a word: then nothing else would let go of its place.
		if (this.#registration.isListed && state.getWebSockets().length === 0) this.#alarm.set();
	}

	/**
	 * Takes a Worker's socket. 426 to what is no WebSocket upgrade, 400 to one without a purpose, 429
	 * where its session or its owner has too many, 503 where the object has or where the root cannot be
	 * told that there is a shard.
	 */
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
			const upgrade = { status: 426, headers: { Upgrade: 'websocket' } };
			return new Response('Expected a WebSocket upgrade', upgrade);
		}
		const purpose = purposeOf(request.url);
		if (!purpose) return new Response('Expected a session or a listener', { status: 400 });

		if (purpose.role !== 'inbox') {
			try {
				await this.#registration.ensure(request.headers.get(SHARD_HEADER));
			} catch (cause) {
				this.#alarm.set();
				return new Response(`the shard was not registered: ${reasonOf(cause)}`, { status: 503 });
			}
		}
		const refusal = this.#refusal(purpose);
		if (refusal) return new Response(refusal, { status: 429 });

		const { 0: client, 1: server } = new WebSocketPair();
		try {
			const headers = this.#accept(server, purpose);
			return new Response(null, { status: 101, webSocket: client, headers });
		} catch (error) {
			// Above all at 32,768 sockets, the platform's limit: more objects take more.
			return new Response(reasonOf(error), { status: 503 });
		}
	}

	/**
	 * Carries out what was published in one turn, in order.
	 *
	 * @returns the shards that are registered here, which is with the root.
	 */
	publish(publications: readonly Publication[]): string[] {
		for (const publication of publications) {
			if ('notification' in publication) this.sendSubscription(publication.notification);
			else this.broadcast(publication.sessions, publication.frame);
		}
		return this.#shards.labels();
	}

	/** Lists a shard that takes its first socket. */
	addShard(shard: string, token: string): void {
		this.#shards.add(shard, token);
	}

	/** Forgets a shard that has nothing left, unless it has registered again. */
	removeShard(shard: string, token: string): void {
		this.#shards.remove(shard, token);
	}

	/** Whether the session has an open stream. */
	has(session: string): boolean {
		return this.#streamsOf(session).length > 0;
	}

	/** Ends all streams of the session, and forgets what they could be resumed from. */
	delete(session: string): void {
		for (const { socket } of this.#streamsOf(session)) {
			closeQuietly(socket, FINAL_CODES.sessionEnded);
		}
		this.#log.forget(session);
		this.#calls.delete(session);
	}

	/**
	 * Sends an SSE frame once to each of the sessions, on the newest stream that takes it, and keeps it
	 * for those whose stream is down.
	 *
	 * @param sessions the ids to send to, URI encoded; `undefined` is every session.
	 */
	broadcast(sessions: readonly string[] | undefined, frame: string): void {
		if (!sessions) {
			if (!this.#log.knows()) return;
			const sequence = this.#append(undefined, frame);
			for (const streams of bySession(openStreams(this.ctx.getWebSockets(STREAM_TAG))))
				this.#send(streams, sequence, frame);
			return;
		}
		const known = [...new Set(sessions)]
			.map((session) => ({ session, streams: this.#streamsOf(session) }))
			.filter(({ session, streams }) => streams.length > 0 || this.#log.knows(session));
		for (const part of inRows(known)) {
			const sequence = this.#append(
				part.map(({ session }) => session),
				frame,
			);
			for (const { streams } of part) this.#send(streams, sequence, frame);
		}
	}

	/** Keeps what a call of the session has said, and sends it to the streams that resumed the call. */
	keepCall(session: string, events: CallEvents): void {
		this.#calls.keep(session, events, Date.now());
		this.#alarm.set();
	}

	/** Tells the listeners that asked for this change. */
	sendSubscription(notification: JSONRPCRequest): void {
		this.#listeners.send(notification);
	}

	/**
	 * Sends a message to every open inbox of the session.
	 *
	 * @param session the id, URI encoded.
	 * @returns how many took it.
	 */
	deliver(session: string, message: string): number {
		const inboxes = this.ctx.getWebSockets(inboxTag(session));
		return inboxes.filter((socket) => trySend(socket, message)).length;
	}

	/** Lets go of what is too old. Set again only while there is anything that will be. */
	override async alarm(): Promise<void> {
		this.#alarm.wentOff();
		const nowMs = Date.now();
		const beforeMs = nowMs - this.#bounds.ageMs;
		const isOpen = (session: string): boolean => this.has(session);
		const left = [
			this.#log.prune(beforeMs),
			this.#log.forgetIdle(isOpen, nowMs),
			this.#callLog.prune(beforeMs),
			this.#calls.endWaiting(beforeMs),
		];
		const isEmpty = !left.includes(true) && this.ctx.getWebSockets().length === 0;
		if (isEmpty) left.push(!(await this.#registration.leave()));
		if (left.includes(true)) this.#alarm.set();
	}

	/** Completes the closing handshake, which the platform leaves to us before its date 2026-04-07. */
	override webSocketClose(socket: WebSocket): void {
		closeQuietly(socket);
		// Its session may be one that does not come back, and its shard one that has nothing left.
		if (isStream(socket) || this.#registration.isListed) this.#alarm.set();
	}

	override webSocketError(socket: WebSocket): void {
		this.webSocketClose(socket);
	}

	/** Why there is no place for one more, where there is none. */
	#refusal(purpose: SocketPurpose): string | undefined {
		if (purpose.role === 'listener') return this.#listeners.refusal(purpose);
		if (purpose.role === 'stream') return this.#calls.refusal(purpose);
		const inboxes = this.ctx.getWebSockets(inboxTag(purpose.session)).length;
		return inboxes < MAX_CALLS_PER_SESSION ? undefined : TOO_MANY_CALLS;
	}

	/** @returns what the Worker is told of its stream. */
	#accept(socket: WebSocket, purpose: SocketPurpose): Record<string, string> {
		if (purpose.role === 'stream') return this.#acceptStream(socket, purpose);
		if (purpose.role === 'listener') this.#listeners.accept(socket, purpose);
		else this.ctx.acceptWebSocket(socket, [inboxTag(purpose.session)]);
		return {};
	}

	/** In one turn: what is published before it is replayed, and what comes after it is sent. */
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
			this.ctx.acceptWebSocket(socket);
			closeQuietly(socket, FINAL_CODES.sessionEnded);
			return {};
		}
		const others = this.#streamsOf(session);
		const opened = this.#log.open(session, lastEventId, nowMs);
		this.ctx.acceptWebSocket(socket, [STREAM_TAG, sessionTag(session)]);
		const { rank } = rankSocket(socket, purpose, opened, others, nowMs);
		closeOldest(this.#streamsOf(session), socket);
		for (const frame of opened.frames) trySend(socket, frame);
		return { [RANK_HEADER]: `${rank}`, [REPLAYED_HEADER]: `${opened.frames.length}` };
	}

	/** Whether a stream that this object knew is back, and its session was ended meanwhile. */
	#hasEnded(session: string, position: EventPosition | undefined): boolean {
		const isOurs = position?.stream.startsWith(`${this.#log.shard}/${this.#log.epoch}/`);
		return isOurs === true && !this.#log.knows(session);
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
		return openStreams(this.ctx.getWebSockets(sessionTag(session)));
	}
}
