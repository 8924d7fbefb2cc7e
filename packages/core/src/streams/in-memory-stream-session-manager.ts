import { StreamSessionManager } from '@tmcp/session-manager';

import { BoundedStream, stalledError } from './bounded-stream.ts';
import type { WriteOutcome } from './bounded-stream.ts';
import { unknownCallFrame, replayCall } from './call-log.ts';
import { withCurrentChannel } from './channel-history.ts';
import { createReporter, StreamError } from '../errors.ts';
import type { ErrorReporter } from '../errors.ts';
import { gapOf, isCallStream, parseEventId } from './event-id.ts';
import { InMemoryInboxes } from './in-memory-inboxes.ts';
import { InMemoryCallLog, InMemoryMessageLog } from './in-memory-logs.ts';
import { DEFAULT_LOG_BOUNDS, loggedFrame, openOrResumeStream } from './message-log.ts';
import type { LogBounds } from './message-log.ts';
import { currentScope } from '../request-scope.ts';
import type { RequestScope } from '../request-scope.ts';
import type { CallEvents, ResumableStreams } from '../extensions/resumable-streams.ts';
import type { SessionInbox, SessionInboxes } from '../extensions/session-inboxes.ts';
import {
	UNKNOWN_CALL_WAIT_MS,
	MAX_CALLS_PER_SESSION,
	MAX_STREAMS_PER_SESSION,
	TOO_MANY_CALLS,
	TOO_MANY_STREAMS,
} from './stream-bounds.ts';
import { closeStream, isStreamOpen } from './stream-controller.ts';
import type { StreamPresence } from '../extensions/stream-presence.ts';

interface OpenStream {
	readonly stream: BoundedStream;
	/** Of one that was opened to listen. */
	readonly channel?: number;
	/** Of one that resumes a call, and how far its client is. */
	readonly call?: string;
	seen?: number;
	/** Ends one that waits for its call in vain. */
	wait?: ReturnType<typeof setTimeout>;
	/** Whether anything of the call has come since it was looked last. */
	hasNews?: boolean;
	/** Resumed by a newer one: its client reads it no more, and it gets nothing. */
	isSuperseded?: boolean;
}

/** How the streams of one process are kept. */
export interface InMemoryStreamOptions {
	/** What is kept of messages, and as much of calls. Default: 10,000 messages, 4 MiB, ten minutes. */
	readonly bounds?: Partial<LogBounds> | undefined;
	/** Told of what a client missed that is no longer kept. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
	/**
	 * How long a client that came back for a call is kept waiting where nothing of the call is known,
	 * in milliseconds: then its stream ends with a gap. 120,000 unless given.
	 */
	readonly callWaitMs?: number | undefined;
	/** The time in milliseconds since the epoch. `Date.now` unless given. */
	readonly now?: (() => number) | undefined;
}

/**
 * The streams of one process, for development and for tests: all that a stream manager promises,
 * without a backend. A message of a session goes to its newest stream that still takes it, and what
 * is delivered to a session goes to all its inboxes, in the request that delivers it.
 */
export class InMemoryStreamSessionManager
	extends StreamSessionManager
	implements SessionInboxes, ResumableStreams, StreamPresence
{
	readonly #log: InMemoryMessageLog;
	readonly #callLog: InMemoryCallLog;
	readonly #callWaitMs: number;
	readonly #callAgeMs: number;
	readonly #now: () => number;
	readonly #report: (cause: unknown, session: string) => void;
	readonly #streams = new Map<string, OpenStream[]>();
	/** Which request holds which stream. */
	readonly #owners = new WeakMap<RequestScope, OpenStream>();
	readonly #inboxes = new InMemoryInboxes();

	constructor({ bounds, onError, callWaitMs, now = Date.now }: InMemoryStreamOptions = {}) {
		super();
		const all = { ...DEFAULT_LOG_BOUNDS, ...bounds };
		this.#log = new InMemoryMessageLog(all, now);
		this.#callLog = new InMemoryCallLog(all, now);
		this.#callWaitMs = callWaitMs ?? UNKNOWN_CALL_WAIT_MS;
		this.#callAgeMs = all.ageMs;
		this.#now = now;
		this.#report = createReporter(onError);
	}

	/**
	 * Opens a stream of the session, or resumes the one that the request names. More than 32 that
	 * listen end the oldest.
	 *
	 * @throws {StreamError} where 256 streams of the session wait for calls already.
	 */
	override create(id: string, controller: ReadableStreamDefaultController): void {
		const scope = currentScope();
		const stream = new BoundedStream(controller);
		const position = parseEventId(scope?.lastEventId ?? '');
		const isCall = position && isCallStream(position.stream);
		if (isCall) this.#checkCalls(id);
		const opened: OpenStream = isCall
			? { stream, call: position.stream, seen: position.sequence }
			: this.#open(id, stream, scope?.lastEventId);
		if (scope) this.#owners.set(scope, opened);
		this.#streams.set(id, [...(this.#streams.get(id) ?? []), opened]);
		if (!isCall) return this.#endOldest(id);
		this.#tell(id, opened, this.#callLog.of(id, position.stream), true);
		if (!this.#streams.get(id)?.includes(opened)) return; // The answer was there.
		this.#waitForCall(id, opened, opened.hasNews ? this.#callAgeMs : this.#callWaitMs);
	}

	/**
	 * Ends the session's streams. Called because one of them was cancelled, it forgets that one.
	 * Inboxes stay open: a request that is at work when its session ends may finish.
	 */
	override delete(id: string): void {
		const streams = this.#streams.get(id) ?? [];
		const scope = currentScope();
		const own = scope && this.#owners.get(scope);
		if (own) return this.#release(id, own);
		// Without a scope, one that has ended tells which it was.
		const open = scope ? streams : streams.filter(({ stream }) => isStreamOpen(stream.controller));
		if (open.length < streams.length) return this.#keep(id, open);
		this.#keep(id, []);
		for (const { stream, wait } of streams) {
			clearTimeout(wait);
			closeStream(stream.controller);
		}
		this.#log.forget(id);
		this.#callLog.forget(id);
	}

	/** False: a stream never stands in the way of the next one of its session. */
	override has(_id: string): boolean {
		return false;
	}

	override send(sessions: string[] | undefined, data: string): void {
		if (sessions?.length === 0) return;
		const sequence = this.#log.append(sessions, data);
		for (const id of sessions ? new Set(sessions) : [...this.#streams.keys()]) {
			for (const newest of this.#newestFirst(id)) {
				const history = this.#log.historyOf(id);
				if (history)
					this.#log.saveHistory(id, withCurrentChannel(history, newest.channel, sequence));
				const frame = loggedFrame(this.#log, newest.channel, sequence, data);
				if (this.#write(id, newest, [frame]) !== 'ended') break;
			}
		}
	}

	async hasOpenStream(session: string): Promise<boolean> {
		return this.#newestFirst(session).some(({ stream }) => isStreamOpen(stream.controller));
	}

	async keepCall(session: string, events: CallEvents): Promise<void> {
		const added = this.#callLog.keep(session, events);
		if (!added) return;
		for (const stream of this.#streams.get(session) ?? []) {
			if (stream.call === events.stream) this.#tell(session, stream, [added]);
		}
	}

	/**
	 * An inbox in this process.
	 *
	 * @throws {StreamError} where the session has 256 open ones already.
	 */
	async openInbox(session: string, take: (message: string) => void): Promise<SessionInbox> {
		return this.#inboxes.open(session, take);
	}

	async deliver(session: string, message: string): Promise<number> {
		return this.#inboxes.deliver(session, message);
	}

	#open(id: string, stream: BoundedStream, lastEventId: string | undefined): OpenStream {
		this.#log.prune();
		const { channel, frames } = openOrResumeStream(this.#log, id, lastEventId, this.#now());
		for (const other of this.#streams.get(id) ?? []) {
			if (other.channel === channel) other.isSuperseded = true;
		}
		this.#log.setOpen(id, true);
		const opened = { stream, channel };
		this.#write(id, opened, frames, true);
		return opened;
	}

	#checkCalls(id: string): void {
		const calls = (this.#streams.get(id) ?? []).filter(({ call }) => call !== undefined);
		if (calls.length < MAX_CALLS_PER_SESSION) return;
		throw new StreamError('core', 'opening a stream', TOO_MANY_CALLS);
	}

	/** Those that were superseded go first: nobody reads them. */
	#endOldest(id: string): void {
		const listening = (this.#streams.get(id) ?? []).filter(({ call }) => call === undefined);
		if (listening.length <= MAX_STREAMS_PER_SESSION) return;
		const superseded = listening.find(({ isSuperseded }) => isSuperseded);
		const oldest = superseded ?? listening[0];
		if (!oldest) return;
		this.#report(new StreamError('core', 'holding a stream', TOO_MANY_STREAMS), id);
		closeStream(oldest.stream.controller);
		this.#release(id, oldest);
	}

	/** The session's streams that messages go to. */
	#newestFirst(id: string): (OpenStream & { readonly channel: number })[] {
		return (this.#streams.get(id) ?? [])
			.filter(
				(each): each is OpenStream & { channel: number } =>
					each.channel !== undefined && !each.isSuperseded,
			)
			.toSorted((one, other) => other.channel - one.channel);
	}

	/** Hands on what a call's client has not seen; with its answer the stream ends. */
	#tell(
		session: string,
		stream: OpenStream,
		events: readonly CallEvents[],
		isReplayed = false,
	): void {
		const { frames, seen, isComplete } = replayCall(events, stream.seen ?? 0);
		stream.seen = seen;
		stream.hasNews ||= events.length > 0;
		if (this.#write(session, stream, frames, isReplayed) !== 'taken' || !isComplete) return;
		closeStream(stream.stream.controller);
		this.#release(session, stream);
	}

	/**
	 * Ends a stream where nothing of its call comes in time: what it waits for will hardly come. The
	 * timer is of the request that opened the stream, and looks for itself: workerd lets no other
	 * request clear it.
	 */
	#waitForCall(session: string, opened: OpenStream, ms: number): void {
		opened.wait = setTimeout(() => {
			if (!this.#streams.get(session)?.includes(opened)) return;
			if (opened.hasNews) {
				opened.hasNews = false;
				this.#waitForCall(session, opened, this.#callAgeMs);
				return;
			}
			const position = { stream: opened.call ?? '', sequence: opened.seen ?? 0 };
			this.#write(session, opened, [unknownCallFrame(position)]);
			closeStream(opened.stream.controller);
			this.#release(session, opened);
		}, ms);
	}

	/** A client that does not read is cut, and comes back for what the log kept. */
	#write(
		session: string,
		opened: OpenStream,
		frames: readonly string[],
		isReplayed = false,
	): WriteOutcome {
		for (const frame of frames) {
			const gap = gapOf(frame);
			if (gap) this.#report(new StreamError('core', 'resuming a stream', gap), session);
			const writing = opened.stream.write(frame, isReplayed);
			if (writing === 'taken') continue;
			if (writing === 'full') {
				const error = stalledError('core');
				opened.stream.cut(error);
				this.#report(error, session);
			}
			this.#release(session, opened);
			return writing;
		}
		return 'taken';
	}

	#release(id: string, stream: OpenStream): void {
		clearTimeout(stream.wait);
		this.#keep(
			id,
			(this.#streams.get(id) ?? []).filter((each) => each !== stream),
		);
	}

	#keep(id: string, streams: OpenStream[]): void {
		this.#log.setOpen(
			id,
			streams.some(({ channel }) => channel !== undefined),
		);
		if (streams.length > 0) this.#streams.set(id, streams);
		else this.#streams.delete(id);
	}
}
