import { StreamError, UnknownSessionError } from '@tmcp-sessions/core';
import type { CallEvents, EventPosition } from '@tmcp-sessions/core/backend';
import { replayCall, TOO_MANY_CALLS, unknownCallFrame } from '@tmcp-sessions/core/internal';
import type { RedisReply } from '@tmcp-sessions/redis';

import { HeldStream } from './held-stream.ts';
import type { HeldStreamOptions } from './held-stream.ts';
import { listOf } from './open-reply.ts';
import type { RedisEvent } from '../process/redis-event.ts';
import { PACKAGE } from '../package-name.ts';
import { ENDED, FULL } from '../scripts/stream-scripts.ts';

interface ResumedCallOptions extends HeldStreamOptions {
	readonly position: EventPosition;
	/** Runs `RESUME` with the call and the last sequence after session, stream and process. */
	readonly resume: (stream: string, args: readonly string[]) => Promise<RedisReply>;
	/** How long a call without stored events is awaited, and one with, in milliseconds. */
	readonly callWaitMs: number;
	readonly callAgeMs: number;
}

/** Holds a stream with which a client resumes a call. It ends with the response. */
export class ResumedCall extends HeldStream {
	readonly #options: ResumedCallOptions;
	readonly #call: string;
	#seen: number;
	#hasJoined = false;
	#hasNewEvents = false;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(options: ResumedCallOptions) {
		super(options);
		this.#options = options;
		this.#call = options.position.stream;
		this.#seen = options.position.sequence;
	}

	override get lease(): string {
		return `resumes:${this.session}`;
	}

	protected override async join(): Promise<void> {
		const reply = await this.#options.resume(this.id, [this.#call, String(this.#seen)]);
		const [status, ...entries] = listOf(reply);
		if (this.isReleased) return;
		if (status === ENDED) {
			if (!this.#hasJoined) throw new UnknownSessionError(PACKAGE, 'open a stream');
			return this.end();
		}
		if (status === FULL) {
			throw new StreamError(PACKAGE, 'opening a stream', TOO_MANY_CALLS, TOO_MANY_CALLS);
		}
		this.#write(storedEvents(this.#call, entries), true);
		if (this.isReleased || this.#hasJoined) return;
		this.#hasJoined = true;
		const { callAgeMs, callWaitMs } = this.#options;
		this.#await(this.#hasNewEvents ? callAgeMs : callWaitMs);
	}

	protected override receive(event: RedisEvent): void {
		if (event[0] === 'E') return this.end();
		if (event[0] !== 'k' || event[2] !== this.#call) return;
		const [, , stream, first, isComplete, frames] = event;
		this.#write([{ stream, first, frames, isComplete }]);
	}

	protected override clearTimers(): void {
		if (this.#timer !== undefined) clearTimeout(this.#timer);
	}

	/** Writes the events that the client has not seen, and ends the stream after the response. */
	#write(events: readonly CallEvents[], isReplayed = false): void {
		const { frames, seen, isComplete } = replayCall(events, this.#seen);
		this.#seen = seen;
		this.#hasNewEvents ||= events.length > 0;
		if (this.write(frames, isReplayed) && isComplete) this.end();
	}

	/** Ends the stream if its call produces no events in time. */
	#await(ms: number): void {
		this.#timer = setTimeout(() => {
			if (this.isReleased) return;
			if (this.#hasNewEvents) {
				this.#hasNewEvents = false;
				return this.#await(this.#options.callAgeMs);
			}
			this.write([unknownCallFrame({ stream: this.#call, sequence: this.#seen })]);
			this.endEarly();
		}, ms);
	}
}

/** Returns the events that a script has read from the stream of a call. */
function storedEvents(stream: string, entries: readonly RedisReply[]): CallEvents[] {
	const events: CallEvents[] = [];
	for (let index = 0; index < entries.length; index += 2) {
		const [sequence = '0', kind] = String(entries[index]).split('-');
		const isComplete = kind === '1';
		const frames = isComplete ? [] : [String(JSON.parse(String(entries[index + 1])))];
		events.push({ stream, first: Number(sequence) + (isComplete ? 1 : 0), frames, isComplete });
	}
	return events;
}
