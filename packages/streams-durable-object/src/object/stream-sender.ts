import { loggedFrame } from '@tmcp-sessions/core/internal';

import type { SqlMessageLog } from './message-log.ts';
import {
	bySession,
	groupsOf,
	markCurrent,
	newestFirst,
	openStreams,
	sessionTag,
	STREAM_TAG,
} from './stream-sockets.ts';
import type { LoggedFrame, StreamSocket } from './stream-sockets.ts';
import type { SharedSockets } from './shared-sockets.ts';
import { handleInTurns, MAX_RECEIVERS_AT_ONCE, RECEIVERS_PER_TURN } from './turns.ts';

/** How many sockets are read before the object handles other events. */
const SOCKETS_PER_TURN = 128;

/** A message of the log. */
export interface SequencedFrame {
	readonly sequence: number;
	/** Without an event id. */
	readonly frame: string;
}

/** Open streams by session. */
type SessionStreams = ReadonlyMap<string, readonly StreamSocket[]>;

/** The receivers of a message that is sent in several turns. */
interface Receivers {
	readonly sessions: readonly string[];
	/** Returns the open streams of one of the sessions. */
	readonly streamsOf: (session: string) => readonly StreamSocket[];
}

/** A message that is sent in several turns. */
interface PendingMessage extends SequencedFrame {
	/** The sessions that receive it; `undefined` is every session. */
	readonly sessions?: { has(session: string): boolean } | undefined;
	readonly receivers: () => Receivers | Promise<Receivers>;
	/** The sessions that it was sent to, or that had no stream when it was logged. */
	readonly done: Set<string>;
}

/**
 * Sends messages of the log once to each session, on the newest stream that takes it. A message for many
 * sessions is sent in several turns, so that the object, and the isolates that hold the streams, serve
 * other requests in between. Each session receives its messages in order.
 */
export class StreamSender {
	readonly #state: DurableObjectState;
	readonly #shared: SharedSockets;
	readonly #log: SqlMessageLog;
	/** Oldest first. */
	#pending: readonly PendingMessage[] = [];
	#lastSent: Promise<void> = Promise.resolve();

	constructor(state: DurableObjectState, shared: SharedSockets, log: SqlMessageLog) {
		this.#state = state;
		this.#shared = shared;
		this.#log = log;
	}

	/**
	 * Returns the open streams of a session, after it was sent what waits for it. Call it before a stream of
	 * the session opens, and before a message for the session is logged.
	 */
	streamsOf(session: string): StreamSocket[] {
		for (const message of this.#pending) {
			if (message.done.has(session) || message.sessions?.has(session) === false) continue;
			message.done.add(session);
			this.#sendTo([this.read(session)], message);
		}
		return this.read(session);
	}

	/**
	 * Sends a message to sessions, or to all. Call it in the turn in which the message was logged.
	 *
	 * @param to as `streamsOf` returns the streams of each session, in the same turn.
	 * @returns a promise that resolves when it was sent; `undefined` if it was sent at once.
	 */
	send(to: SessionStreams | undefined, message: SequencedFrame): Promise<void> | undefined {
		const done = new Set<string>();
		if (to) {
			if (to.size > MAX_RECEIVERS_AT_ONCE) {
				const streamsOf = (session: string): readonly StreamSocket[] => to.get(session) ?? [];
				const receivers = { sessions: [...to.keys()], streamsOf };
				return this.#sendInTurns({ ...message, sessions: to, receivers: () => receivers, done });
			}
			this.#sendTo(to.values(), message);
			return undefined;
		}
		const sockets = this.#state.getWebSockets(STREAM_TAG);
		const shared = this.#shared;
		if (this.#pending.length > 0 || sockets.length + shared.count > MAX_RECEIVERS_AT_ONCE) {
			const sessions = shared.sessions();
			const receivers = (): Promise<Receivers> => readInTurns(sockets, sessions, shared);
			return this.#sendInTurns({ ...message, receivers, done });
		}
		this.#sendTo(bySession([...openStreams(sockets), ...shared.all()]).values(), message);
		return undefined;
	}

	#sendInTurns(message: PendingMessage): Promise<void> {
		this.#pending = [...this.#pending, message];
		const sending = this.#lastSent.then(async () => {
			try {
				await this.#sendSome(message);
			} finally {
				this.#pending = this.#pending.filter((other) => other !== message);
			}
		});
		this.#lastSent = sending.catch(() => {});
		return sending;
	}

	/** Sends a message to some sessions in each turn. */
	async #sendSome(message: PendingMessage): Promise<void> {
		const { sessions, streamsOf } = await message.receivers();
		await handleInTurns(sessions, RECEIVERS_PER_TURN, (some) => {
			const due = some.filter((session) => !message.done.has(session));
			for (const session of due) message.done.add(session);
			this.#sendTo(due.map(streamsOf), message);
		});
	}

	/** Sends a message to sessions, once for each group of streams. */
	#sendTo(sessions: Iterable<readonly StreamSocket[]>, { sequence, frame }: SequencedFrame): void {
		const streamsOf = new Map<StreamSocket, readonly StreamSocket[]>();
		for (const streams of sessions) {
			const [newest] = newestFirst(streams);
			if (newest) streamsOf.set(newest, streams);
		}
		const message = this.#logged(sequence, frame);
		for (const [group, receivers] of groupsOf([...streamsOf.keys()], frame)) {
			const isShared = group !== undefined && receivers.length > 1;
			if (isShared) {
				for (const newest of receivers)
					this.#makeCurrent(newest, streamsOf.get(newest) ?? [], sequence);
				if (receivers[0]?.sendToAll(receivers, message)) continue;
			}
			for (const newest of receivers)
				this.#sendToSession(streamsOf.get(newest) ?? [], { sequence, frame });
		}
	}

	/** @param streams those of one session. */
	#sendToSession(streams: readonly StreamSocket[], { sequence, frame }: SequencedFrame): void {
		for (const newest of newestFirst(streams)) {
			this.#makeCurrent(newest, streams, sequence);
			if (newest.send(this.#logged(sequence, frame))) return;
		}
	}

	#logged(sequence: number, frame: string): LoggedFrame {
		const { shard, epoch } = this.#log;
		return {
			position: { shard, epoch, sequence },
			frame,
			withId: (channel) => loggedFrame({ shard, epoch }, channel, sequence, frame),
		};
	}

	/** Has the log assign the session's messages to a stream. */
	#makeCurrent(newest: StreamSocket, streams: readonly StreamSocket[], sequence: number): void {
		const { session, channel, isCurrent } = newest.attachment;
		if (isCurrent) return;
		this.#log.makeCurrent(session, channel, sequence);
		markCurrent(newest, streams);
	}

	/** Returns the open streams of a session. */
	read(session: string): StreamSocket[] {
		const own = openStreams(this.#state.getWebSockets(sessionTag(session)));
		return [...own, ...this.#shared.streamsOf(session)];
	}
}

/**
 * Returns the receivers of a message for all, those of a group together.
 *
 * @param sharing the sessions with streams that share sockets, which are read when they are sent to.
 */
async function readInTurns(
	sockets: readonly WebSocket[],
	sharing: readonly string[],
	shared: SharedSockets,
): Promise<Receivers> {
	const own: StreamSocket[] = [];
	await handleInTurns(sockets, SOCKETS_PER_TURN, (some) => void own.push(...openStreams(some)));
	const byGroup = Map.groupBy(own, ({ group }) => group);
	const ofSession = bySession([...byGroup.values()].flat());
	return {
		sessions: [...new Set([...ofSession.keys(), ...sharing])],
		streamsOf: (session) => [...(ofSession.get(session) ?? []), ...shared.streamsOf(session)],
	};
}
