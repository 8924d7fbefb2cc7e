import type { SessionInbox } from '@tmcp-sessions/core/backend';
import { StreamError } from '@tmcp-sessions/core';
import { TOO_MANY_CALLS } from '@tmcp-sessions/core/internal';
import type { RedisReply } from '@tmcp-sessions/redis';

import type { RedisEvent } from './process/redis-event.ts';
import { PACKAGE } from './package-name.ts';
import { FULL } from './scripts/stream-scripts.ts';

/** The most deliveries that are remembered. One that was sent again arrives shortly after the first. */
const MAX_REMEMBERED = 1_000;

interface Inbox {
	readonly session: string;
	readonly call: string;
	readonly take: (message: string) => void;
}

/** Runs `OPEN_INBOX` with session, inbox and call. */
export type RegisterInbox = (session: string, inbox: string, call: string) => Promise<RedisReply>;

/** The inboxes that this process holds. */
export class HeldInboxes {
	readonly #register: RegisterInbox;
	readonly #inboxes = new Map<string, Inbox>();
	readonly #delivered = new Set<string>();

	constructor(register: RegisterInbox) {
		this.#register = register;
	}

	/**
	 * @param onClose called once, when the inbox is closed.
	 * @throws {StreamError} if the session has 256 inboxes.
	 */
	async open(inbox: Inbox, onClose: (id: string) => void): Promise<SessionInbox> {
		const id = crypto.randomUUID();
		// Before it is registered: a message may follow at once.
		this.#inboxes.set(id, inbox);
		try {
			const reply = await this.#register(inbox.session, id, inbox.call);
			if (reply === FULL) {
				throw new StreamError(PACKAGE, 'opening an inbox', TOO_MANY_CALLS, TOO_MANY_CALLS);
			}
		} catch (error) {
			this.#inboxes.delete(id);
			throw error;
		}
		return {
			close: () => {
				if (this.#inboxes.delete(id)) onClose(id);
			},
		};
	}

	/** Returns the keys of the inboxes in Redis. */
	leases(): string[] {
		return [...this.#inboxes.values()].map(({ session }) => `inboxes:${session}`);
	}

	/** Registers the inboxes again, since Redis may have taken this process for dead. */
	async registerAgain(): Promise<void> {
		const opened = [...this.#inboxes];
		await Promise.all(opened.map(([id, { session, call }]) => this.#register(session, id, call)));
	}

	handle([, delivery, ids, message]: RedisEvent & { readonly 0: 'i' }): void {
		if (this.#delivered.has(delivery)) return;
		this.#delivered.add(delivery);
		if (this.#delivered.size > MAX_REMEMBERED) {
			const [oldest = ''] = this.#delivered;
			this.#delivered.delete(oldest);
		}
		for (const id of ids) this.#inboxes.get(id)?.take(message);
	}
}
