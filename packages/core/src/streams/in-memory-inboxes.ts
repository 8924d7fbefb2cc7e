import { StreamError } from '../errors.ts';
import type { SessionInbox } from '../extensions/session-inboxes.ts';
import { MAX_CALLS_PER_SESSION, TOO_MANY_CALLS } from './stream-bounds.ts';

interface Inbox {
	readonly take: (message: string) => void;
}

/** The inboxes of one process, by session. */
export class InMemoryInboxes {
	readonly #inboxes = new Map<string, Set<Inbox>>();

	/** @throws {StreamError} where the session has 256 open ones already. */
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

	/** @returns how many took it. */
	deliver(session: string, message: string): number {
		const inboxes = this.#inboxes.get(session) ?? new Set();
		let taken = 0;
		for (const inbox of [...inboxes]) {
			if (!inboxes.has(inbox)) continue; // One before it closed it.
			inbox.take(message);
			taken += 1;
		}
		return taken;
	}
}
