import { StreamError } from '../errors.ts';
import type { SessionInbox } from '../extensions/session-inboxes.ts';
import { ClientCounts } from './client-counts.ts';
import {
	MAX_CALLS_PER_SESSION,
	MAX_STREAMS_PER_CLIENT,
	TOO_MANY_CALLS,
	TOO_MANY_OF_CLIENT,
} from './stream-bounds.ts';

interface Inbox {
	readonly take: (message: string) => void;
	/** The resumable stream of its call. */
	readonly call: string | undefined;
}

/** Holds the inboxes of one process. */
export class InMemoryInboxes {
	readonly #inboxes = new Map<string, Set<Inbox>>();
	readonly #counts = new ClientCounts(MAX_STREAMS_PER_CLIENT, TOO_MANY_OF_CLIENT);

	/**
	 * @param client as `RequestScope.client`.
	 * @throws {StreamError} if the session already has 256 open inboxes, or the client 4,096.
	 */
	open(
		session: string,
		take: (message: string) => void,
		call?: string,
		client?: string,
	): SessionInbox {
		const inbox: Inbox = { take, call };
		const inboxes = this.#inboxes.get(session) ?? new Set();
		if (inboxes.size >= MAX_CALLS_PER_SESSION) {
			throw new StreamError('core', 'opening an inbox', TOO_MANY_CALLS, TOO_MANY_CALLS);
		}
		const endCount = this.#counts.add(client, 'opening an inbox');
		this.#inboxes.set(session, inboxes.add(inbox));
		return {
			close: () => {
				if (!inboxes.delete(inbox)) return;
				endCount();
				if (inboxes.size === 0) this.#inboxes.delete(session);
			},
		};
	}

	/**
	 * @param call selects the inboxes of one call.
	 * @returns the number of inboxes that received the message.
	 */
	deliver(session: string, message: string, call?: string): number {
		const inboxes = this.#inboxes.get(session) ?? new Set();
		let received = 0;
		for (const inbox of Array.from(inboxes)) {
			if (call !== undefined && inbox.call !== call) continue;
			if (!inboxes.has(inbox)) continue; // `take` of an earlier inbox has closed it.
			inbox.take(message);
			received += 1;
		}
		return received;
	}
}
