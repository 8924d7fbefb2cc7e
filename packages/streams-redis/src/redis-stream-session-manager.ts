import {
	createReporter,
	currentScope,
	encodeSessionId,
	escapeLineTerminators,
	gapFrame,
	isCallStream,
	keepRequestAlive,
	knowsPolling,
	parseEventId,
} from '@tmcp-sessions/core/backend';
import type {
	CallEvents,
	ResumableStreams,
	SessionInbox,
	SessionInboxes,
	StreamPresence,
} from '@tmcp-sessions/core/backend';
import {
	ClientCounts,
	gapText,
	MAX_STREAMS_PER_CLIENT,
	rejectUnknownOptions,
	TOO_MANY_OF_CLIENT,
	UNKNOWN_CALL_WAIT_MS,
} from '@tmcp-sessions/core/internal';
import type { LogBounds, OptionNames } from '@tmcp-sessions/core/internal';
import type { RedisConnection, RedisReply } from '@tmcp-sessions/redis';
import { StreamSessionManager } from '@tmcp/session-manager';

import { HeldInboxes } from './inboxes.ts';
import { MAX_SESSION_ID_BYTES, sizeProblem } from './limits.ts';
import { DEFAULT_BOUNDS, prefixOf, REDIS_MANAGER_OPTIONS, streamMsOf } from './options.ts';
import type { RedisManagerOptions } from './options.ts';
import { PACKAGE } from './package-name.ts';
import { processLinkOf } from './process/process-link.ts';
import type { ProcessLink } from './process/process-link.ts';
import type { RedisEvent } from './process/redis-event.ts';
import {
	CLOSE_INBOX,
	CLOSE_RESUMED,
	DELIVER,
	KEEP,
	OPEN_INBOX,
	RESUME,
} from './scripts/call-scripts.ts';
import { CLOSE, END_SESSION, HAS_STREAM, OPEN } from './scripts/stream-scripts.ts';
import { createStreamError } from './stream-error.ts';
import type { HeldStream } from './streams/held-stream.ts';
import { HeldStreams } from './streams/held-streams.ts';
import { ListeningStream } from './streams/listening-stream.ts';
import { ResumedCall } from './streams/resumed-call.ts';

/** Options of `RedisStreamSessionManager`. */
export interface RedisStreamOptions extends RedisManagerOptions {
	/**
	 * The bounds of what each session can resume from, and of the messages to all sessions. Default: 1,000
	 * messages, 1 MiB, ten minutes.
	 */
	readonly bounds?: Partial<LogBounds> | undefined;
	/**
	 * How long a stream that resumes a call without stored events waits before it ends with a gap, in
	 * milliseconds. Default: 120,000.
	 */
	readonly callWaitMs?: number | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

const OPTIONS: OptionNames<RedisStreamOptions> = {
	...REDIS_MANAGER_OPTIONS,
	bounds: 1,
	callWaitMs: 1,
	now: 1,
};

/**
 * Manages the GET streams of sessions across processes, over Redis. A message is stored and published by
 * one script, to the processes that hold its receivers only. Create it at module scope: it connects at its
 * first use.
 */
export class RedisStreamSessionManager
	extends StreamSessionManager
	implements SessionInboxes, ResumableStreams, StreamPresence
{
	readonly #link: ProcessLink;
	readonly #bounds: LogBounds;
	readonly #maxStreamMs: number | undefined;
	readonly #callWaitMs: number;
	readonly #now: () => number;
	readonly #report: (cause: unknown, session?: string) => void;
	readonly #streams = new HeldStreams();
	readonly #inboxes: HeldInboxes;
	readonly #listening = new ClientCounts(MAX_STREAMS_PER_CLIENT, TOO_MANY_OF_CLIENT);
	readonly #resuming = new ClientCounts(MAX_STREAMS_PER_CLIENT, TOO_MANY_OF_CLIENT);
	readonly #inboxCounts = new ClientCounts(MAX_STREAMS_PER_CLIENT, TOO_MANY_OF_CLIENT);
	/** Whether each stream was registered, once that is known. Its end waits for it. */
	readonly #joining = new WeakMap<HeldStream, Promise<boolean>>();

	/** @param redis of `connectRedis` or `connectUpstash`. Managers that share it share its subscription. */
	constructor(redis: RedisConnection, options: RedisStreamOptions = {}) {
		super();
		rejectUnknownOptions(options, OPTIONS, PACKAGE, 'RedisStreamSessionManager');
		this.#link = processLinkOf(redis, prefixOf(redis, options.prefix));
		this.#bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
		this.#maxStreamMs = streamMsOf(options.maxStreamSeconds);
		this.#callWaitMs = options.callWaitMs ?? UNKNOWN_CALL_WAIT_MS;
		this.#now = options.now ?? Date.now;
		this.#report = createReporter(options.onError);
		this.#inboxes = new HeldInboxes((session, inbox, call) =>
			this.#run('opening an inbox', OPEN_INBOX, [session, inbox, this.#link.id, call]),
		);
		this.#link.addListener({
			onEvent: (event) => this.#handle(event),
			onLoss: () => this.#streams.startWaiting(),
			onReconnect: () => this.#catchUp(),
			onFailure: (reason) => this.#abandonAll(reason),
			leases: () => [...this.#streams.leases(), ...this.#inboxes.leases()],
		});
	}

	/**
	 * Opens a stream of the session, or resumes the one that the request names. Once this has resolved, the
	 * stream receives everything that any process sends to the session. A lost connection to Redis is
	 * replaced, and the stream continues after its last event; after 30 seconds without one it ends.
	 *
	 * @throws {InvalidSessionIdError} if the id is not a string of 1 to 1,024 bytes, URI encoded.
	 * @throws {StreamError} if Redis cannot be reached, 256 streams of the session wait for calls, or the
	 * client has 4,096 streams in this process.
	 * @throws {UnknownSessionError} if the session has ended.
	 */
	override async create(id: string, controller: ReadableStreamDefaultController): Promise<void> {
		const scope = currentScope();
		const stream = this.#createStream(id, controller, scope);
		const counts = stream instanceof ResumedCall ? this.#resuming : this.#listening;
		const endCount = counts.add(scope?.client, 'opening a stream');
		stream.onRelease = endCount;
		// Before it is registered: the client may disconnect meanwhile.
		this.#streams.add(stream, scope);
		const joining = this.#join(stream);
		this.#joining.set(
			stream,
			joining.then(
				() => true,
				() => false, // `create` rejects.
			),
		);
		await joining;
		if (this.#maxStreamMs === undefined || stream.isReleased) return;
		const timer = setTimeout(() => stream.endEarly(), this.#maxStreamMs);
		stream.onRelease = () => {
			clearTimeout(timer);
			endCount();
		};
	}

	/**
	 * Ends the session's streams in every process. If the transport calls it because the client has
	 * disconnected from one stream, it releases only that one. Inboxes stay open: an in-flight request may
	 * finish after its session has ended.
	 *
	 * @throws {StreamError} if Redis cannot be reached.
	 */
	override async delete(id: string): Promise<void> {
		const session = encodeId(id);
		const cancelled = this.#streams.cancelled(session, currentScope());
		if (cancelled) {
			await Promise.all(cancelled.map((stream) => this.#release(stream, id)));
		} else {
			await this.#run("ending a session's streams", END_SESSION, [session]);
		}
	}

	/** Returns false: an open stream must not prevent the next one of its session. */
	override has(_id: string): boolean {
		return false;
	}

	/**
	 * Sends an SSE frame to sessions in every process. Never rejects, since the transport does not wait:
	 * failures are reported to `onError`, such as a frame of more than 512 KiB.
	 */
	override async send(sessions: string[] | undefined, data: string): Promise<void> {
		if (sessions?.length === 0) return;
		const receivers = sessions && [...new Set(sessions.flatMap(encodeIfValid))];
		if (receivers?.length === 0) return;
		const json = JSON.stringify(escapeLineTerminators(data));
		try {
			await this.#link.publisher.publish({ sessions: receivers, json }, this.#bounds);
		} catch (cause) {
			this.#report(createStreamError('sending a message', cause));
		}
	}

	async hasOpenStream(id: string): Promise<boolean> {
		return (await this.#run('checking for an open stream', HAS_STREAM, [encodeId(id)])) === 1;
	}

	/** Stores events of a call. A frame of more than 512 KiB is replaced by the announcement of a gap. */
	async keepCall(id: string, { stream, first, frames, isComplete }: CallEvents): Promise<void> {
		const stored = frames.map((frame, index) => {
			const json = JSON.stringify(frame);
			if (sizeProblem(json) === undefined) return json;
			const text = gapText('a message was too large to be stored', 1);
			return JSON.stringify(gapFrame({ stream, sequence: first + index }, text));
		});
		const args = [encodeId(id), stream, String(first), isComplete ? '1' : '0', ...stored];
		await this.#run('storing events of a call', KEEP, args);
	}

	/**
	 * Opens an inbox in this process. Messages that are delivered while the connection to Redis is lost do
	 * not arrive, and `deliver` does not count them.
	 *
	 * @throws {StreamError} if Redis cannot be reached, the session has 256 open inboxes, or the client 4,096
	 * in this process.
	 */
	async openInbox(
		id: string,
		take: (message: string) => void,
		call: string = '',
	): Promise<SessionInbox> {
		const session = encodeId(id);
		const endCount = this.#inboxCounts.add(currentScope()?.client, 'opening an inbox');
		try {
			await this.#link.hold('opening an inbox', this.#bounds);
		} catch (error) {
			endCount();
			throw error;
		}
		try {
			return await this.#inboxes.open({ session, take, call }, (inbox) => {
				endCount();
				this.#link.release();
				this.#background(this.#run('closing an inbox', CLOSE_INBOX, [session, inbox]), id);
			});
		} catch (error) {
			endCount();
			this.#link.release();
			throw error;
		}
	}

	/**
	 * Delivers a message to the session's inboxes, or to those of one call.
	 *
	 * @returns the number of inboxes whose process received it. With `call`, 0 only if the call is lost,
	 * which takes 20 seconds to find out.
	 * @throws {StreamError} if Redis cannot be reached, or the message has more than 512 KiB.
	 */
	async deliver(id: string, message: string, call: string = ''): Promise<number> {
		const operation = 'delivering to inboxes';
		const json = JSON.stringify(message);
		const problem = sizeProblem(json);
		if (problem) throw createStreamError(operation, problem);
		const args = [encodeId(id), crypto.randomUUID(), json, call];
		return Number(await this.#run(operation, DELIVER, args));
	}

	#createStream(
		id: string,
		controller: ReadableStreamDefaultController,
		scope: ReturnType<typeof currentScope>,
	): HeldStream {
		const session = encodeId(id);
		const lastEventId = scope?.lastEventId;
		const shared = {
			session,
			controller,
			knowsPolling: knowsPolling(scope?.protocolVersion),
			report: (cause: unknown) => this.#report(cause, id),
			release: () => this.#background(this.#release(stream, id), id),
		};
		const register =
			(script: string) =>
			(streamId: string, args: readonly string[]): Promise<RedisReply> =>
				this.#run('opening a stream', script, [session, streamId, this.#link.id, ...args]);
		const position = parseEventId(lastEventId ?? '');
		const stream: HeldStream =
			position && isCallStream(position.stream)
				? new ResumedCall({
						...shared,
						position,
						resume: register(RESUME),
						callWaitMs: this.#callWaitMs,
						callAgeMs: this.#bounds.ageMs,
					})
				: new ListeningStream({ ...shared, lastEventId, open: register(OPEN), now: this.#now });
		return stream;
	}

	async #join(stream: HeldStream): Promise<void> {
		let isHeld = false;
		try {
			await this.#link.hold('opening a stream', this.#bounds);
			isHeld = true;
			await stream.catchUp();
		} catch (error) {
			this.#remove(stream);
			if (isHeld) this.#link.release();
			throw error;
		}
	}

	#handle(event: RedisEvent): void {
		if (event[0] === 'i') this.#inboxes.handle(event);
		else this.#streams.handle(event);
	}

	#catchUp(): void {
		this.#background(this.#inboxes.registerAgain());
		this.#background(this.#streams.catchUp());
	}

	/** Ends all streams of this process after Redis was lost for too long. Reports that once. */
	#abandonAll(reason: unknown): void {
		const streams = this.#streams.all();
		if (streams.length === 0) return;
		this.#report(createStreamError(`holding ${streams.length} streams`, reason));
		for (const stream of streams) this.#background(this.#abandon(stream));
	}

	/** Ends a stream without Redis, which removes the process when a message finds no subscriber. */
	async #abandon(stream: HeldStream): Promise<void> {
		this.#remove(stream);
		stream.closeEarly();
		if (await this.#joining.get(stream)) this.#link.release();
	}

	/** Removes a stream from Redis too. */
	async #release(stream: HeldStream, id: string): Promise<void> {
		if (stream.isReleased) return;
		this.#remove(stream);
		if (!(await this.#joining.get(stream))) return;
		const script = stream instanceof ResumedCall ? CLOSE_RESUMED : CLOSE;
		try {
			await this.#run('closing a stream', script, [stream.session, stream.id]);
		} catch (error) {
			this.#report(error, id);
		} finally {
			this.#link.release();
		}
	}

	#remove(stream: HeldStream): void {
		stream.markReleased();
		this.#streams.remove(stream);
	}

	#run(operation: string, script: string, args: readonly string[]): Promise<RedisReply> {
		return this.#link.run(operation, script, args, this.#bounds);
	}

	/** Keeps the request alive for a promise whose failure is reported. */
	#background(promise: Promise<unknown>, id?: string): void {
		const reported = promise.catch((error: unknown) => this.#report(error, id));
		keepRequestAlive(reported, () => {});
	}
}

function encodeId(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_SESSION_ID_BYTES);
}

/** Encodes an id. Returns an empty array for an invalid id, which cannot have a stream. */
function encodeIfValid(id: string): string[] {
	try {
		return [encodeId(id)];
	} catch {
		return [];
	}
}
