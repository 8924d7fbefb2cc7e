import { StreamSessionManager } from '@tmcp/session-manager';

import { BoundedStream, stalledError } from './bounded-stream.ts';
import type { WriteOutcome } from './bounded-stream.ts';
import { unknownCallFrame, replayCall } from './call-log.ts';
import { withCurrentChannel } from './channel-history.ts';
import { isCallStream } from './call-stream.ts';
import { ClientCounts } from './client-counts.ts';
import { createReporter, StreamError, UnknownSessionError } from '../errors.ts';
import type { ErrorReporter } from '../errors.ts';
import { closingFrame, gapOf, knowsPolling, parseEventId, withoutPriming } from './event-id.ts';
import { InMemoryInboxes } from './in-memory-inboxes.ts';
import { InMemoryCallLog, InMemoryMessageLog } from './in-memory-logs.ts';
import { escapeLineTerminators } from './line-terminators.ts';
import { DEFAULT_LOG_BOUNDS, loggedFrame, openOrResumeStream } from './message-log.ts';
import type { LogBounds } from './message-log.ts';
import { currentScope } from '../request-scope.ts';
import type { RequestScope } from '../request-scope.ts';
import type { CallEvents, ResumableStreams } from '../extensions/resumable-streams.ts';
import type { SessionInbox, SessionInboxes } from '../extensions/session-inboxes.ts';
import {
	UNKNOWN_CALL_WAIT_MS,
	MAX_CALLS_PER_SESSION,
	MAX_STREAMS_PER_CLIENT,
	MAX_STREAMS_PER_SESSION,
	TOO_MANY_CALLS,
	TOO_MANY_OF_CLIENT,
	TOO_MANY_STREAMS,
} from './stream-bounds.ts';
import { closeStream, isStreamOpen } from './stream-controller.ts';
import type { StreamPresence } from '../extensions/stream-presence.ts';
import { rejectUnknownOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';

interface OpenStream {
	readonly stream: BoundedStream;
	/** Whether its client knows priming events and closing frames. */
	readonly knowsPolling: boolean;
	/** Called once, when the stream is released. */
	readonly endCount: () => void;
	/** The channel of a stream that listens. */
	readonly channel?: number;
	/** The call that a stream resumes, and the last sequence that its client has seen. */
	readonly call?: string;
	seen?: number;
	/** Ends the stream if its call produces no events. */
	timeout?: ReturnType<typeof setTimeout>;
	/** Whether the call has produced events since the last check. */
	hasNewEvents?: boolean;
	/** Set after a newer stream has resumed the same channel: this one receives no more messages. */
	isSuperseded?: boolean;
}

/** Options of `InMemoryStreamSessionManager`. */
export interface InMemoryStreamOptions {
	/** The bounds of the two logs, of messages and of calls. Default: 10,000 messages, 4 MiB, ten minutes. */
	readonly bounds?: Partial<LogBounds> | undefined;
	/** Receives gaps and streams that were closed for a limit. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
	/**
	 * How long a stream that resumes a call without stored events waits before it ends with a gap, in
	 * milliseconds. Default: 120,000.
	 */
	readonly callWaitMs?: number | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

const OPTIONS: OptionNames<InMemoryStreamOptions> = {
	bounds: 1,
	onError: 1,
	callWaitMs: 1,
	now: 1,
};

/**
 * Manages the streams of one process, with all capabilities of a stream manager and no backend: for
 * development and tests. A message to a session goes to its newest stream that accepts it. A message
 * to inboxes is delivered in the request that calls `deliver`.
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
	/** The sessions that have ended, with the time, oldest first. */
	readonly #ended = new Map<string, number>();
	/** The stream that each request opened. */
	readonly #owners = new WeakMap<RequestScope, OpenStream>();
	readonly #inboxes = new InMemoryInboxes();
	readonly #listening = new ClientCounts(MAX_STREAMS_PER_CLIENT, TOO_MANY_OF_CLIENT);
	readonly #resuming = new ClientCounts(MAX_STREAMS_PER_CLIENT, TOO_MANY_OF_CLIENT);

	constructor(options: InMemoryStreamOptions = {}) {
		super();
		rejectUnknownOptions(options, OPTIONS, 'core', 'InMemoryStreamSessionManager');
		const { bounds, onError, callWaitMs, now = Date.now } = options;
		const all = { ...DEFAULT_LOG_BOUNDS, ...bounds };
		this.#log = new InMemoryMessageLog(all, now);
		this.#callLog = new InMemoryCallLog(all, now);
		this.#callWaitMs = callWaitMs ?? UNKNOWN_CALL_WAIT_MS;
		this.#callAgeMs = all.ageMs;
		this.#now = now;
		this.#report = createReporter(onError);
	}

	/**
	 * Opens a stream of the session, or resumes the one that the request names. The 33rd stream that
	 * listens closes the oldest.
	 *
	 * @throws {StreamError} if 256 streams of the session already wait for calls, or the client has 4,096
	 * streams of this kind in all of its sessions.
	 * @throws {UnknownSessionError} if the session has ended.
	 */
	override create(id: string, controller: ReadableStreamDefaultController): void {
		if (this.#ended.has(id)) throw new UnknownSessionError('core', 'open a stream');
		const scope = currentScope();
		const client = {
			stream: new BoundedStream(controller),
			knowsPolling: knowsPolling(scope?.protocolVersion),
		};
		const position = parseEventId(scope?.lastEventId ?? '');
		const isCall = position && isCallStream(position.stream);
		if (isCall) this.#checkCalls(id);
		const counts = isCall ? this.#resuming : this.#listening;
		const endCount = counts.add(scope?.client, 'opening a stream');
		const opened: OpenStream = isCall
			? { ...client, endCount, call: position.stream, seen: position.sequence }
			: this.#open(id, { ...client, endCount }, scope);
		if (scope) this.#owners.set(scope, opened);
		this.#streams.set(id, [...(this.#streams.get(id) ?? []), opened]);
		if (!isCall) return this.#closeOldest(id);
		this.#sendCallEvents(id, opened, this.#callLog.of(id, position.stream), true);
		if (!this.#streams.get(id)?.includes(opened)) return; // The response was stored.
		this.#awaitCall(id, opened, opened.hasNewEvents ? this.#callAgeMs : this.#callWaitMs);
	}

	/**
	 * Closes the session's streams. If the call follows the cancellation of one stream, it only removes
	 * that one. Inboxes stay open: in-flight requests may finish after their session has ended.
	 */
	override delete(id: string): void {
		const streams = this.#streams.get(id) ?? [];
		const scope = currentScope();
		const own = scope && this.#owners.get(scope);
		if (own) return this.#release(id, own);
		// Without a request scope, an ended stream is the sign of a cancellation.
		const open = scope ? streams : streams.filter(({ stream }) => isStreamOpen(stream.controller));
		if (open.length < streams.length) {
			for (const stream of streams) if (!open.includes(stream)) stream.endCount();
			return this.#setStreams(id, open);
		}
		this.#setStreams(id, []);
		for (const { stream, timeout, endCount } of streams) {
			clearTimeout(timeout);
			endCount();
			closeStream(stream.controller);
		}
		this.#log.forget(id);
		this.#callLog.forget(id);
		this.#markEnded(id);
	}

	/** Returns false: an open stream must not prevent the next one of its session. */
	override has(_id: string): boolean {
		return false;
	}

	override send(sessions: string[] | undefined, data: string): void {
		if (sessions?.length === 0) return;
		const message = escapeLineTerminators(data);
		const sequence = this.#log.append(sessions, message);
		for (const id of sessions ? new Set(sessions) : [...this.#streams.keys()]) {
			for (const newest of this.#newestFirst(id)) {
				const history = this.#log.historyOf(id);
				if (history)
					this.#log.saveHistory(id, withCurrentChannel(history, newest.channel, sequence));
				const frame = loggedFrame(this.#log, newest.channel, sequence, message);
				if (this.#write(id, newest, [frame]) !== 'ended') break;
			}
		}
	}

	async hasOpenStream(session: string): Promise<boolean> {
		return this.#newestFirst(session).some(({ stream }) => isStreamOpen(stream.controller));
	}

	async keepCall(session: string, events: CallEvents): Promise<void> {
		const added = this.#callLog.keep(session, events, currentScope()?.client);
		if (!added) return;
		for (const stream of this.#streams.get(session) ?? []) {
			if (stream.call === events.stream) this.#sendCallEvents(session, stream, [added]);
		}
	}

	/**
	 * Opens an inbox in this process.
	 *
	 * @throws {StreamError} if the session already has 256 open inboxes, or the client 4,096.
	 */
	async openInbox(
		session: string,
		take: (message: string) => void,
		call?: string,
	): Promise<SessionInbox> {
		return this.#inboxes.open(session, take, call, currentScope()?.client);
	}

	async deliver(session: string, message: string, call?: string): Promise<number> {
		const received = this.#inboxes.deliver(session, message, call);
		if (received > 0 || call === undefined) return received;
		return this.#callLog.isComplete(session, call) ? 1 : 0;
	}

	#open(
		id: string,
		client: Pick<OpenStream, 'endCount' | 'knowsPolling' | 'stream'>,
		scope: RequestScope | undefined,
	): OpenStream {
		this.#log.prune();
		const { channel, frames } = openOrResumeStream(
			this.#log,
			id,
			scope?.lastEventId,
			this.#now(),
			scope?.client,
		);
		for (const other of this.#streams.get(id) ?? []) {
			if (other.channel === channel) other.isSuperseded = true;
		}
		this.#log.setOpen(id, true);
		const opened = { ...client, channel };
		this.#write(id, opened, frames, true);
		return opened;
	}

	#checkCalls(id: string): void {
		const calls = (this.#streams.get(id) ?? []).filter(({ call }) => call !== undefined);
		if (calls.length < MAX_CALLS_PER_SESSION) return;
		throw new StreamError('core', 'opening a stream', TOO_MANY_CALLS, TOO_MANY_CALLS);
	}

	/** Closes superseded streams first, because their clients no longer read them. */
	#closeOldest(id: string): void {
		const listening = (this.#streams.get(id) ?? []).filter(({ call }) => call === undefined);
		if (listening.length <= MAX_STREAMS_PER_SESSION) return;
		const superseded = listening.find(({ isSuperseded }) => isSuperseded);
		const oldest = superseded ?? listening[0];
		if (!oldest) return;
		this.#report(new StreamError('core', 'holding a stream', TOO_MANY_STREAMS), id);
		this.#close(id, oldest);
	}

	/** Returns the streams that receive messages. */
	#newestFirst(id: string): (OpenStream & { readonly channel: number })[] {
		return (this.#streams.get(id) ?? [])
			.filter(
				(each): each is OpenStream & { channel: number } =>
					each.channel !== undefined && !each.isSuperseded,
			)
			.toSorted((one, other) => other.channel - one.channel);
	}

	/** Sends the events of a call that the client has not seen, and closes the stream after the response. */
	#sendCallEvents(
		session: string,
		stream: OpenStream,
		events: readonly CallEvents[],
		isReplayed = false,
	): void {
		const { frames, seen, isComplete } = replayCall(events, stream.seen ?? 0);
		stream.seen = seen;
		stream.hasNewEvents ||= events.length > 0;
		if (this.#write(session, stream, frames, isReplayed) !== 'taken' || !isComplete) return;
		closeStream(stream.stream.controller);
		this.#release(session, stream);
	}

	/**
	 * Ends a stream whose call produces no events in time. The timer belongs to the request that opened
	 * the stream and checks the state itself, because other workerd requests cannot clear it.
	 */
	#awaitCall(session: string, opened: OpenStream, ms: number): void {
		opened.timeout = setTimeout(() => {
			if (!this.#streams.get(session)?.includes(opened)) return;
			if (opened.hasNewEvents) {
				opened.hasNewEvents = false;
				this.#awaitCall(session, opened, this.#callAgeMs);
				return;
			}
			const position = { stream: opened.call ?? '', sequence: opened.seen ?? 0 };
			this.#write(session, opened, [unknownCallFrame(position)]);
			this.#close(session, opened);
		}, ms);
	}

	/** Closes a stream that its client may open again. */
	#close(session: string, opened: OpenStream): void {
		if (opened.knowsPolling) this.#write(session, opened, [closingFrame()]);
		closeStream(opened.stream.controller);
		this.#release(session, opened);
	}

	/** A stream that is opened while its session ends would outlive the session. */
	#markEnded(id: string): void {
		const nowMs = this.#now();
		for (const [session, atMs] of this.#ended) {
			if (atMs >= nowMs - this.#callAgeMs) break;
			this.#ended.delete(session);
		}
		this.#ended.set(id, nowMs);
	}

	/** Writes frames. Disconnects a client that does not read: it reconnects for what the log stores. */
	#write(
		session: string,
		opened: OpenStream,
		frames: readonly string[],
		isReplayed = false,
	): WriteOutcome {
		for (const frame of frames) {
			const gap = gapOf(frame);
			if (gap) this.#report(new StreamError('core', 'resuming a stream', gap), session);
			const written = opened.knowsPolling ? frame : withoutPriming(frame);
			const outcome = opened.stream.write(written, isReplayed);
			if (outcome === 'taken') continue;
			if (outcome === 'full') {
				const error = stalledError('core');
				opened.stream.cut(error);
				this.#report(error, session);
			}
			this.#release(session, opened);
			return outcome;
		}
		return 'taken';
	}

	#release(id: string, stream: OpenStream): void {
		clearTimeout(stream.timeout);
		const streams = this.#streams.get(id) ?? [];
		if (streams.includes(stream)) stream.endCount();
		this.#setStreams(
			id,
			streams.filter((each) => each !== stream),
		);
	}

	#setStreams(id: string, streams: OpenStream[]): void {
		this.#log.setOpen(
			id,
			streams.some(({ channel }) => channel !== undefined),
		);
		if (streams.length > 0) this.#streams.set(id, streams);
		else this.#streams.delete(id);
	}
}
