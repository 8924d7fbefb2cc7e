import { StreamSessionManager } from '@tmcp/session-manager';

import { closeStream, enqueueFrame, isOpen } from './stream-controller.ts';

/**
 * The streams of one process, for development and for tests: all that a stream manager promises,
 * without a backend. A message of a session goes to its newest stream that still takes it.
 */
export class InMemoryStreamSessionManager extends StreamSessionManager {
	/** Oldest first. */
	readonly #streams = new Map<string, ReadableStreamDefaultController[]>();

	override create(id: string, controller: ReadableStreamDefaultController): void {
		this.#streams.set(id, [...(this.#streams.get(id) ?? []), controller]);
	}

	/** Ends the session's streams. Called because one of them was cancelled, it forgets that one. */
	override delete(id: string): void {
		const streams = this.#streams.get(id) ?? [];
		const open = streams.filter(isOpen);
		if (open.length < streams.length) return this.#keep(id, open);
		this.#keep(id, []);
		open.forEach(closeStream);
	}

	/** False: a stream never stands in the way of the next one of its session. */
	override has(_id: string): boolean {
		return false;
	}

	override send(sessions: string[] | undefined, data: string): void {
		for (const id of sessions ? new Set(sessions) : [...this.#streams.keys()]) {
			const streams = [...(this.#streams.get(id) ?? [])];
			for (let newest = streams.at(-1); newest; newest = streams.at(-1)) {
				if (enqueueFrame(newest, data)) break;
				streams.pop();
			}
			this.#keep(id, streams);
		}
	}

	#keep(id: string, streams: ReadableStreamDefaultController[]): void {
		if (streams.length > 0) this.#streams.set(id, streams);
		else this.#streams.delete(id);
	}
}
