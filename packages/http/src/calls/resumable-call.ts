import { primingFrame, withEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents, ResumableStreams } from '@tmcp-sessions/core/backend';

import { isAnsweredAtOnce } from './answered-at-once.ts';

/**
 * Characters that are buffered for a client that may resume, and that are stored in one RPC unless a
 * frame has more. More is stored by the stream manager.
 */
const MAX_BUFFERED_LENGTH = 512 * 1_024;

/**
 * Numbers and keeps the frames of a call, so that its client can resume the stream. Frames are
 * buffered here while the client reads them. The stream manager stores them as soon as the client
 * may need them: when it was found gone, when it has resumed elsewhere, and with the response, which
 * may be lost on its way.
 */
export class ResumableCall {
	/** The name of the stream, which is part of its event ids. */
	readonly name: string;
	/**
	 * Settles when the response is stored, or when the client cannot resume the call after all. Never
	 * rejects.
	 */
	readonly ended: Promise<void>;
	/** The event that lets the client resume the stream. */
	readonly priming: string;
	readonly #streams: ResumableStreams;
	readonly #session: string;
	readonly #waitUntil: (promise: Promise<unknown>) => void;
	#buffered: string[] = [];
	#bufferedLength = 0;
	#sequence = 0;
	#isAway = false;
	#isComplete = false;
	#isStoring = false;
	readonly #end: () => void;

	/** @param name the name that `newCallStream` returned. */
	constructor(
		name: string,
		streams: ResumableStreams,
		session: string,
		waitUntil: (promise: Promise<unknown>) => void,
	) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.name = name;
		this.ended = promise;
		this.#end = resolve;
		this.#streams = streams;
		this.#session = session;
		this.priming = primingFrame({ stream: name, sequence: 0 });
		this.#waitUntil = waitUntil;
	}

	/** Adds a frame. Returns it with its event id, for the client that is reading. */
	add(frame: string): string {
		this.#sequence += 1;
		const numbered = withEventId({ stream: this.name, sequence: this.#sequence }, frame);
		this.#buffered.push(numbered);
		this.#bufferedLength += numbered.length;
		if (this.#isAway || this.#bufferedLength > MAX_BUFFERED_LENGTH) this.#store();
		return numbered;
	}

	/** Notes that the client does not read here: from now on frames are stored in the turn that adds them. */
	moveAway(): void {
		this.#isAway = true;
		if (this.#buffered.length > 0) this.#store();
	}

	/**
	 * Notes that the last frame was the response.
	 *
	 * @param instead a frame for a client that resumes the stream, if the call has no response.
	 */
	complete(instead?: string): void {
		if (instead !== undefined) this.add(instead);
		this.#isComplete = true;
		this.#store();
	}

	/** Notes that the client got the response without an event id. */
	abandon(): void {
		this.#end();
	}

	/** Stores what is buffered, unless that has begun. */
	#store(): void {
		if (this.#isStoring) return;
		this.#isStoring = true;
		this.#waitUntil(this.#storeBuffered());
	}

	/**
	 * Stores the frames of a turn in one RPC, and then in another one what was added meanwhile. One write
	 * after the other: their order is that of the stream.
	 */
	async #storeBuffered(): Promise<void> {
		for (;;) {
			await this.#endOfTurn();
			const events = this.#take();
			const stored = this.#keep(events);
			this.#waitUntil(stored); // Reports a failure.
			await stored.catch(() => {});
			if (events.isComplete) return this.#end();
			if (this.#buffered.length === 0 && !this.#isComplete) break;
		}
		this.#isStoring = false;
	}

	/** Waits until the call sends no more frames in this turn, or has sent enough for one RPC. */
	async #endOfTurn(): Promise<void> {
		const isFull = (): boolean => this.#isComplete || this.#bufferedLength > MAX_BUFFERED_LENGTH;
		let seen = 0;
		do seen = this.#sequence;
		while (!isFull() && (await isAnsweredAtOnce(() => isFull() || this.#sequence > seen)));
	}

	/** Takes the oldest frames: as many as fit into one RPC, and at least one. */
	#take(): CallEvents {
		const { name: stream } = this;
		const first = this.#sequence - this.#buffered.length + 1;
		let length = 0;
		const beyond = this.#buffered.findIndex(
			(frame, index) => (length += frame.length) > MAX_BUFFERED_LENGTH && index > 0,
		);
		const rest = beyond < 0 ? [] : this.#buffered.splice(beyond);
		const frames = this.#buffered;
		this.#buffered = rest;
		this.#bufferedLength = rest.reduce((sum, frame) => sum + frame.length, 0);
		return { stream, first, frames, isComplete: this.#isComplete && rest.length === 0 };
	}

	async #keep(events: CallEvents): Promise<void> {
		await this.#streams.keepCall(this.#session, events);
	}
}
