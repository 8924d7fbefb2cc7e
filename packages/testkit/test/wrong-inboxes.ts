import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { SessionInbox } from '@tmcp-sessions/core/backend';
import { MAX_CALLS_PER_SESSION, TOO_MANY_CALLS } from '@tmcp-sessions/core/internal';

interface Inbox {
	readonly session: string;
	readonly take: (message: string) => void;
}

/** A correct manager whose parts can be overridden. */
class PlainManager extends InMemoryStreamSessionManager {
	inboxes: Inbox[] = [];
	most: number = MAX_CALLS_PER_SESSION;

	override async openInbox(session: string, take: Inbox['take']): Promise<SessionInbox> {
		const open = this.inboxes.filter((each) => each.session === session);
		if (open.length >= this.most) throw new Error(TOO_MANY_CALLS);
		const inbox = { session, take };
		this.inboxes.push(inbox);
		return { close: () => this.close(inbox) };
	}

	override async deliver(session: string, message: string): Promise<number> {
		const inboxes = this.inboxesOf(session);
		for (const { take } of inboxes) take(message);
		return inboxes.length;
	}

	inboxesOf(session: string): Inbox[] {
		return this.inboxes.filter((inbox) => inbox.session === session);
	}

	close(inbox: Inbox): void {
		this.inboxes = this.inboxes.filter((each) => each !== inbox);
	}

	evict(): void {}
}

/** A manager whose inboxes have one fault, and the cases that must fail. */
interface WrongInboxes {
	/** The fault, after "a manager that". */
	readonly name: string;
	readonly Manager: new () => PlainManager;
	readonly fails: readonly string[];
}

const everyInbox =
	'delivers a message once to every open inbox of its session, and to no other session';
const similarIds = 'tells apart sessions of which one id begins or ends with the other';
const awkwardIds = 'tells apart ids with characters that are special in a URL, a key or a path';
const order = 'delivers messages of another isolate in order, from right after an inbox opened';
const text = 'delivers any text unchanged';
const noInbox = 'returns 0 for a message to a session without an inbox, and does not store it';
const closing =
	'delivers nothing to a closed inbox and ignores a second close, which closes no other';
const eviction = 'keeps inboxes open through an eviction and delivers the messages after it';
const streams = 'sends no message of streams to inboxes, and none of inboxes to streams';
const ending = 'keeps an inbox open after the streams and the end of its session';

const bound = 'rejects the 257th open inbox of a session until another one closes';

/** Managers with one fault each. */
export const wrongInboxes: readonly WrongInboxes[] = [
	{
		name: 'delivers a message only to the newest inbox',
		Manager: class extends PlainManager {
			override inboxesOf(session: string): Inbox[] {
				return super.inboxesOf(session).slice(-1);
			}
		},
		fails: [everyInbox, closing, eviction, bound],
	},
	{
		name: 'delivers a message twice',
		Manager: class extends PlainManager {
			override async deliver(session: string, message: string): Promise<number> {
				await super.deliver(session, message);
				return super.deliver(session, message);
			}
		},
		fails: [everyInbox, similarIds, awkwardIds, order, text, noInbox, eviction, streams, ending],
	},
	{
		name: 'returns 1 for every message',
		Manager: class extends PlainManager {
			override async deliver(session: string, message: string): Promise<number> {
				await super.deliver(session, message);
				return 1;
			}
		},
		fails: [everyInbox, noInbox, closing, eviction, streams, bound],
	},
	{
		name: 'compares only the beginning of session ids',
		Manager: class extends PlainManager {
			override inboxesOf(session: string): Inbox[] {
				return this.inboxes.filter((inbox) => inbox.session.startsWith(session));
			}
		},
		fails: [similarIds, awkwardIds, bound],
	},
	{
		name: 'parses an id as part of a URL',
		Manager: class extends PlainManager {
			override inboxesOf(session: string): Inbox[] {
				const read = (id: string): string | null =>
					new URL(`https://a/?session=${id}`).searchParams.get('session');
				return this.inboxes.filter((inbox) => read(inbox.session) === read(session));
			}
		},
		fails: [awkwardIds],
	},
	{
		name: 'delivers a message after later ones',
		Manager: class extends PlainManager {
			override async deliver(session: string, message: string): Promise<number> {
				if (message !== 'message 7') return super.deliver(session, message);
				const inboxes = this.inboxesOf(session);
				setTimeout(() => inboxes.forEach(({ take }) => take(message)), 20);
				return inboxes.length;
			}
		},
		fails: [order],
	},
	{
		name: 'trims messages',
		Manager: class extends PlainManager {
			override deliver(session: string, message: string): Promise<number> {
				return super.deliver(session, message.trim());
			}
		},
		fails: [text],
	},
	{
		name: 'stores a message for the next inbox',
		Manager: class extends PlainManager {
			readonly #kept = new Map<string, string>();
			override async openInbox(session: string, take: Inbox['take']): Promise<SessionInbox> {
				const kept = this.#kept.get(session);
				if (kept !== undefined) take(kept);
				return super.openInbox(session, take);
			}
			override deliver(session: string, message: string): Promise<number> {
				if (this.inboxesOf(session).length === 0) this.#kept.set(session, message);
				return super.deliver(session, message);
			}
		},
		fails: [noInbox, streams],
	},
	{
		name: 'delivers to closed inboxes',
		Manager: class extends PlainManager {
			override close(): void {}
		},
		fails: [closing, bound],
	},
	{
		name: 'closes another inbox if one is closed twice',
		Manager: class extends PlainManager {
			override close(inbox: Inbox): void {
				this.inboxes.splice(this.inboxes.indexOf(inbox), 1);
			}
		},
		fails: [closing],
	},
	{
		name: 'forgets its inboxes when its object is evicted',
		Manager: class extends PlainManager {
			override evict(): void {
				this.inboxes = [];
			}
		},
		fails: [eviction],
	},
	{
		name: 'delivers messages of streams to inboxes',
		Manager: class extends PlainManager {
			override send(sessions: string[] | undefined, data: string): void {
				super.send(sessions, data);
				for (const session of sessions ?? []) void this.deliver(session, data).catch(() => {});
			}
		},
		fails: [streams],
	},
	{
		name: 'sends messages of inboxes to streams',
		Manager: class extends PlainManager {
			override deliver(session: string, message: string): Promise<number> {
				this.send([session], `event: message\ndata: ${JSON.stringify(message)}\n\n`);
				return super.deliver(session, message);
			}
		},
		fails: [streams],
	},
	{
		name: 'ends inboxes with their session',
		Manager: class extends PlainManager {
			override delete(session: string): void {
				super.delete(session);
				this.inboxes = this.inboxes.filter((inbox) => inbox.session !== session);
			}
		},
		fails: [ending],
	},
	{
		name: 'does not limit the number of inboxes',
		Manager: class extends PlainManager {
			override most = Infinity;
		},
		fails: [bound],
	},
	{
		name: 'counts the inboxes of all sessions together',
		Manager: class extends PlainManager {
			override async openInbox(session: string, take: Inbox['take']): Promise<SessionInbox> {
				if (this.inboxes.length >= this.most) throw new Error(TOO_MANY_CALLS);
				return super.openInbox(session, take);
			}
		},
		fails: [bound],
	},
];
