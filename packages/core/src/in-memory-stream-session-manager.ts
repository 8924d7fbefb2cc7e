import { StreamSessionManager } from '@tmcp/session-manager';

import type { SessionInbox, SessionInboxes } from './session-inboxes.ts';
import { closeStream, enqueueFrame, isOpen } from './stream-controller.ts';

interface Inbox {
	readonly take: (message: string) => void;
}

/**
 * The streams of one process, for development and for tests: all that a stream manager promises,
 * without a backend. A message of a session goes to its newest stream that still takes it, and what
 * is delivered to a session goes to all its inboxes, in the request that delivers it.
 */
export class InMemoryStreamSessionManager extends StreamSessionManager implements SessionInboxes {
	/** Oldest first. */
	readonly #streams = new Map<string, ReadableStreamDefaultController[]>();
	readonly #inboxes = new Map<string, Set<Inbox>>();

	override create(id: string, controller: ReadableStreamDefaultController): void {
		this.#streams.set(id, [...(this.#streams.get(id) ?? []), controller]);
	}

	/**
	 * Ends the session's streams. Called because one of them was cancelled, it forgets that one.
	 * Inboxes stay open: a request that is at work when its session ends may finish.
	 */
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

	/** An inbox in this process. It has no limits of its own and never rejects. */
	async openInbox(session: string, take: (message: string) => void): Promise<SessionInbox> {
		const inbox: Inbox = { take };
		const inboxes = this.#inboxes.get(session) ?? new Set();
		this.#inboxes.set(session, inboxes.add(inbox));
		return {
			close: () => {
				if (inboxes.delete(inbox) && inboxes.size === 0) this.#inboxes.delete(session);
			},
		};
	}

	async deliver(session: string, message: string): Promise<number> {
		const inboxes = this.#inboxes.get(session) ?? new Set();
		let taken = 0;
		for (const inbox of [...inboxes]) {
			if (!inboxes.has(inbox)) continue; // One before it closed it.
			inbox.take(message);
			taken += 1;
		}
		return taken;
	}

	#keep(id: string, streams: ReadableStreamDefaultController[]): void {
		if (streams.length > 0) this.#streams.set(id, streams);
		else this.#streams.delete(id);
	}
}
