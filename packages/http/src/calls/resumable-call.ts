import { primingFrame, withEventId } from '@tmcp-sessions/core/backend';
import type { ResumableStreams } from '@tmcp-sessions/core/backend';

/** Characters that are buffered for a client that may resume. More is stored by the stream manager. */
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
	#storing: Promise<void> = Promise.resolve();
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
		if (this.#isAway || this.#bufferedLength > MAX_BUFFERED_LENGTH) this.#store(false);
		return numbered;
	}

	/** Notes that the client does not read here: from now on each frame is stored at once. */
	moveAway(): void {
		this.#isAway = true;
		this.#store(false);
	}

	/**
	 * Notes that the last frame was the response.
	 *
	 * @param instead a frame for a client that resumes the stream, if the call has no response.
	 */
	complete(instead?: string): void {
		if (instead !== undefined) this.add(instead);
		this.#store(true);
		this.#storing.then(this.#end, this.#end);
	}

	/** Notes that the client got the response without an event id. */
	abandon(): void {
		this.#end();
	}

	#store(isComplete: boolean): void {
		if (this.#buffered.length === 0 && !isComplete) return;
		const frames = this.#buffered;
		const first = this.#sequence - frames.length + 1;
		this.#buffered = [];
		this.#bufferedLength = 0;
		const { name: stream } = this;
		// One write after the other: their order is that of the stream.
		this.#storing = this.#storing.then(() =>
			this.#streams.keepCall(this.#session, { stream, first, frames, isComplete }),
		);
		this.#waitUntil(this.#storing);
		this.#storing = this.#storing.catch(() => {}); // Reported by waitUntil.
	}
}
