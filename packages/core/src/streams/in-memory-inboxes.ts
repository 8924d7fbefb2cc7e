import { StreamError } from '../errors.ts';
import type { SessionInbox } from '../extensions/session-inboxes.ts';
import { MAX_CALLS_PER_SESSION, TOO_MANY_CALLS } from './stream-bounds.ts';

interface Inbox {
	readonly take: (message: string) => void;
}

/** Holds the inboxes of one process. */
export class InMemoryInboxes {
	readonly #inboxes = new Map<string, Set<Inbox>>();

	/** @throws {StreamError} if the session already has 256 open inboxes. */
	open(session: string, take: (message: string) => void): SessionInbox {
		const inbox: Inbox = { take };
		const inboxes = this.#inboxes.get(session) ?? new Set();
		if (inboxes.size >= MAX_CALLS_PER_SESSION) {
			throw new StreamError('core', 'opening an inbox', TOO_MANY_CALLS);
		}
		this.#inboxes.set(session, inboxes.add(inbox));
		return {
			close: () => {
				if (inboxes.delete(inbox) && inboxes.size === 0) this.#inboxes.delete(session);
			},
		};
	}

	/** @returns the number of inboxes that received the message. */
	deliver(session: string, message: string): number {
		const inboxes = this.#inboxes.get(session) ?? new Set();
		let received = 0;
		for (const inbox of [...inboxes]) {
			if (!inboxes.has(inbox)) continue; // `take` of an earlier inbox has closed it.
			inbox.take(message);
			received += 1;
		}
		return received;
	}
}
