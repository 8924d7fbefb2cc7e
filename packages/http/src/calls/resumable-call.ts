import { primingFrame, withEventId } from '@tmcp-sessions/core/backend';
import type { ResumableStreams } from '@tmcp-sessions/core/backend';
import { newCallStream } from '@tmcp-sessions/core/internal';

/** How long a client should wait before it comes back for an answer. */
const RETRY_MS = 1_000;
/** What is held for a client that may come back, at most: the rest is with the stream manager. */
const MAX_HELD_LENGTH = 512 * 1_024;

/**
 * What a call that takes a while has said since it began to number its events. It is held here while
 * its client listens, and kept by the stream manager as soon as the client may need it: when it was
 * found gone, when it has come back elsewhere, and with the answer, which may be lost on its way.
 */
export class ResumableCall {
	/** What its events are called. */
	readonly name: string = newCallStream();
	/** The event that lets the client come back. */
	readonly priming: string;
	readonly #streams: ResumableStreams;
	readonly #session: string;
	readonly #waitUntil: (work: Promise<unknown>) => void;
	#held: string[] = [];
	#heldLength = 0;
	#sequence = 0;
	#isAway = false;
	#keeping: Promise<void> = Promise.resolve();

	constructor(
		streams: ResumableStreams,
		session: string,
		waitUntil: (work: Promise<unknown>) => void,
	) {
		this.#streams = streams;
		this.#session = session;
		this.priming = primingFrame({ stream: this.name, sequence: 0 }, RETRY_MS);
		this.#waitUntil = waitUntil;
	}

	/** Numbers a frame, and holds it. @returns what goes to the client that listens. */
	add(frame: string): string {
		this.#sequence += 1;
		const numbered = withEventId({ stream: this.name, sequence: this.#sequence }, frame);
		this.#held.push(numbered);
		this.#heldLength += numbered.length;
		if (this.#isAway || this.#heldLength > MAX_HELD_LENGTH) this.#keep(false);
		return numbered;
	}

	/** The client is not where the call answers: from now on everything is kept as it comes. */
	moveAway(): void {
		this.#isAway = true;
		this.#keep(false);
	}

	/** The last frame was the answer. */
	complete(): void {
		this.#keep(true);
	}

	#keep(isComplete: boolean): void {
		if (this.#held.length === 0 && !isComplete) return;
		const frames = this.#held;
		const first = this.#sequence - frames.length + 1;
		this.#held = [];
		this.#heldLength = 0;
		const { name: stream } = this;
		// One after the other: their order is that of the stream.
		this.#keeping = this.#keeping.then(() =>
			this.#streams.keepCall(this.#session, { stream, first, frames, isComplete }),
		);
		this.#waitUntil(this.#keeping);
		this.#keeping = this.#keeping.catch(() => {}); // Whoever waits for it reports it.
	}
}
