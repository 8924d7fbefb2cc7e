import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { SessionInbox } from '@tmcp-sessions/core/backend';
import { MAX_CALLS_PER_SESSION, TOO_MANY_CALLS } from '@tmcp-sessions/core/internal';

interface Inbox {
	readonly session: string;
	readonly take: (message: string) => void;
}

/** Right, in a form whose parts can be replaced. */
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

/** A manager whose inboxes are wrong in one way, and the cases that must say so. */
interface WrongInboxes {
	/** What it does: "a manager that …". */
	readonly name: string;
	readonly Manager: new () => PlainManager;
	readonly fails: readonly string[];
}

const everyInbox = 'a message reaches every open inbox of its session once, and no other session';
const similarIds = 'an id that begins or ends with that of another session reaches no inbox of it';
const awkwardIds =
	'an id with characters of a URL, a key or a path reaches no inbox of another session';
const order = 'what is delivered elsewhere right after an inbox was opened arrives, and in order';
const text = 'a message arrives as it was delivered, whatever its text is';
const nobody = 'a message to a session without an inbox is taken by nobody';
const closing = 'a closed inbox gets nothing, the others do; closing it again does nothing';
const eviction = 'inboxes outlive an eviction, and messages after it arrive';
const streams = 'what is sent to streams reaches no inbox, and what is delivered reaches no stream';
const ending = 'an inbox outlives the streams and the end of its session';

const bound =
	'a session has 256 open inboxes at most: one more is refused, and one that is closed makes place';

/** Managers that are wrong, each in its way. */
export const wrongInboxes: readonly WrongInboxes[] = [
	{
		name: 'hands a message to the newest inbox alone',
		Manager: class extends PlainManager {
			override inboxesOf(session: string): Inbox[] {
				return super.inboxesOf(session).slice(-1);
			}
		},
		fails: [everyInbox, closing, eviction, bound],
	},
	{
		name: 'hands a message on twice',
		Manager: class extends PlainManager {
			override async deliver(session: string, message: string): Promise<number> {
				await super.deliver(session, message);
				return super.deliver(session, message);
			}
		},
		fails: [everyInbox, similarIds, awkwardIds, order, text, nobody, eviction, streams, ending],
	},
	{
		name: 'says of every message that one took it',
		Manager: class extends PlainManager {
			override async deliver(session: string, message: string): Promise<number> {
				await super.deliver(session, message);
				return 1;
			}
		},
		fails: [everyInbox, nobody, closing, eviction, streams, bound],
	},
	{
		name: 'finds sessions by how their ids begin',
		Manager: class extends PlainManager {
			override inboxesOf(session: string): Inbox[] {
				return this.inboxes.filter((inbox) => inbox.session.startsWith(session));
			}
		},
		fails: [similarIds, awkwardIds, bound],
	},
	{
		name: 'reads an id as a part of a URL',
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
		name: 'lets a message be overtaken',
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
		name: 'trims what it delivers',
		Manager: class extends PlainManager {
			override deliver(session: string, message: string): Promise<number> {
				return super.deliver(session, message.trim());
			}
		},
		fails: [text],
	},
	{
		name: 'keeps a message for the next inbox',
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
		fails: [nobody, streams],
	},
	{
		name: 'goes on with inboxes that were closed',
		Manager: class extends PlainManager {
			override close(): void {}
		},
		fails: [closing, bound],
	},
	{
		name: 'closes another inbox where one is closed twice',
		Manager: class extends PlainManager {
			override close(inbox: Inbox): void {
				this.inboxes.splice(this.inboxes.indexOf(inbox), 1);
			}
		},
		fails: [closing],
	},
	{
		name: 'forgets its inboxes where its backend leaves memory',
		Manager: class extends PlainManager {
			override evict(): void {
				this.inboxes = [];
			}
		},
		fails: [eviction],
	},
	{
		name: 'hands what is sent to streams to inboxes too',
		Manager: class extends PlainManager {
			override send(sessions: string[] | undefined, data: string): void {
				super.send(sessions, data);
				for (const session of sessions ?? []) void this.deliver(session, data).catch(() => {});
			}
		},
		fails: [streams],
	},
	{
		name: 'hands what is delivered to streams too',
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
		name: 'opens inboxes without an end',
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
