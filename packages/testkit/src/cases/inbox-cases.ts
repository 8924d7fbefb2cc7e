import type { SessionInbox, SessionInboxes } from '@tmcp-sessions/core/backend';
import { MAX_CALLS_PER_SESSION } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

import { frameOf, OpenStream } from '../clients/open-stream.ts';
import { sleep } from '../sleep.ts';
import { AWKWARD_LABELS } from './stream-cases.ts';

/** A stream manager with inboxes as the suite needs it. */
export interface InboxesUnderTest {
	readonly manager: StreamSessionManager & SessionInboxes;
	/** The manager of another isolate over the same backend; where there is one only, that one. */
	readonly elsewhere: StreamSessionManager & SessionInboxes;
	/** Puts what serves the backend out of memory, as idleness would. Inboxes stay open. */
	evict(): Promise<void>;
}

/** An inbox as a case needs it. */
export interface OpenInbox extends SessionInbox {
	/** What arrived so far. */
	readonly received: readonly string[];
	/** Resolves once this many messages have arrived. Rejects where they do not in five seconds. */
	until(count: number): Promise<void>;
}

/** What a case works with. */
export interface InboxesSubject extends InboxesUnderTest {
	/** A session id that no other case uses, ending in `label`. */
	id(label: string): string;
	/** Opens an inbox, by `manager` where nothing else is said; closed when the case is over. */
	open(session: string, where?: SessionInboxes): Promise<OpenInbox>;
}

/** One thing that holds for every stream manager with inboxes. Rejects where it does not. */
export interface InboxesCase {
	readonly name: string;
	run(subject: InboxesSubject): Promise<void>;
}

/** Opens a stream manager for one case; the backend may hold what other cases left there. */
export type InboxesFactory = () => InboxesUnderTest | Promise<InboxesUnderTest>;

const ARRIVAL_MS = 5_000;

/** How long a message that must not come is waited for, once another one has come. */
const SILENCE_MS = 50;

/** Runs one case against a manager of its own. Rejects with what does not hold. */
export async function runInboxesCase({ run }: InboxesCase, factory: InboxesFactory): Promise<void> {
	const { manager, elsewhere, evict } = await factory();
	const unique = crypto.randomUUID();
	const opened: SessionInbox[] = [];
	try {
		await run({
			manager,
			elsewhere,
			evict,
			id: (label) => `${unique}${label}`,
			async open(session, where = manager) {
				const inbox = await openInbox(session, where);
				opened.push(inbox);
				return inbox;
			},
		});
	} finally {
		for (const inbox of opened) inbox.close();
	}
}

async function openInbox(session: string, where: SessionInboxes): Promise<OpenInbox> {
	const received: string[] = [];
	const inbox = await where.openInbox(session, (message) => void received.push(message));
	return {
		received,
		close: () => inbox.close(),
		async until(count) {
			const deadline = Date.now() + ARRIVAL_MS;
			while (received.length < count) {
				if (Date.now() > deadline) {
					throw new Error(`expected ${count} messages to arrive; found ${received.length}`);
				}
				await sleep(1);
			}
		},
	};
}

/** Delivers until as many take it: a close is on its way for a moment. Not by vitest, which polls in tests alone. */
async function untilTaken(count: number, deliver: () => Promise<number>): Promise<void> {
	const deadline = Date.now() + ARRIVAL_MS / 5;
	while ((await deliver()) !== count) {
		if (Date.now() > deadline)
			throw new Error(`expected a message to be taken by ${count} inboxes`);
		await sleep(5);
	}
}

export const inboxesCases: readonly InboxesCase[] = [
	{
		name: 'a message reaches every open inbox of its session once, and no other session',
		async run({ manager, elsewhere, id, open }) {
			const mine = await Promise.all([open(id('mine')), open(id('mine'), elsewhere)]);
			const other = await open(id('other'));
			expect(await manager.deliver(id('mine'), 'for mine')).toBe(2);
			expect(await manager.deliver(id('other'), 'for other')).toBe(1);
			expect(await manager.deliver(id('mine'), 'again')).toBe(2);
			await Promise.all([...mine.map((inbox) => inbox.until(2)), other.until(1)]);
			await sleep(SILENCE_MS);
			for (const { received } of mine) expect(received).toEqual(['for mine', 'again']);
			expect(other.received).toEqual(['for other']);
		},
	},
	{
		name: 'an id that begins or ends with that of another session reaches no inbox of it',
		async run({ manager, id, open }) {
			const ids = [id(''), id('0'), id('00'), `0${id('')}`, id('').slice(0, -1)];
			const inboxes = await Promise.all(ids.map((each) => open(each)));
			for (const each of ids) expect(await manager.deliver(each, `to ${each}`)).toBe(1);
			await Promise.all(inboxes.map((inbox) => inbox.until(1)));
			await sleep(SILENCE_MS);
			expect(inboxes.map(({ received }) => received)).toEqual(ids.map((each) => [`to ${each}`]));
		},
	},
	{
		name: 'an id with characters of a URL, a key or a path reaches no inbox of another session',
		async run({ manager, id, open }) {
			const victim = await open(id(''));
			for (const label of AWKWARD_LABELS) {
				const inbox = await open(id(label));
				expect(await manager.deliver(id(label), `to ${label}`)).toBe(1);
				await inbox.until(1);
				expect(inbox.received).toEqual([`to ${label}`]);
			}
			expect(await manager.deliver(id(''), 'to victim')).toBe(1);
			await victim.until(1);
			expect(victim.received).toEqual(['to victim']);
		},
	},
	{
		name: 'what is delivered elsewhere right after an inbox was opened arrives, and in order',
		async run({ elsewhere, id, open }) {
			const inbox = await open(id(''));
			const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
			for (const message of messages) await elsewhere.deliver(id(''), message);
			await inbox.until(messages.length);
			expect(inbox.received).toEqual(messages);
		},
	},
	{
		name: 'a message arrives as it was delivered, whatever its text is',
		async run({ manager, id, open }) {
			const messages = [
				'',
				'\0',
				'\r\n\n',
				'{"jsonrpc":"2.0"}',
				'雪 \u{1f43b}',
				'x'.repeat(100_000),
			];
			const inbox = await open(id(''));
			for (const message of messages) await manager.deliver(id(''), message);
			await inbox.until(messages.length);
			expect(inbox.received).toEqual(messages);
		},
	},
	{
		name: 'a message to a session without an inbox is taken by nobody',
		async run({ manager, id, open }) {
			expect(await manager.deliver(id('never opened'), 'to nobody')).toBe(0);
			const late = await open(id('never opened'));
			expect(await manager.deliver(id('never opened'), 'to one')).toBe(1);
			await late.until(1);
			expect(late.received).toEqual(['to one']);
		},
	},
	{
		name: 'a closed inbox gets nothing, the others do; closing it again does nothing',
		async run({ manager, elsewhere, id, open }) {
			const closed = await open(id(''));
			const others = [await open(id('')), await open(id(''), elsewhere)];
			closed.close();
			closed.close();
			await manager.deliver(id(''), 'after the close');
			await Promise.all(others.map((inbox) => inbox.until(1)));
			await sleep(SILENCE_MS);
			expect(closed.received).toEqual([]);
			await untilTaken(2, () => manager.deliver(id(''), 'later'));
			for (const inbox of others) inbox.close();
			closed.close();
			await untilTaken(0, () => manager.deliver(id(''), 'to nobody'));
		},
	},
	{
		name: 'inboxes outlive an eviction, and messages after it arrive',
		async run({ manager, elsewhere, evict, id, open }) {
			const inboxes = [await open(id('')), await open(id(''), elsewhere)];
			const rounds = ['first', 'second', 'third'];
			for (const round of rounds) {
				await evict();
				expect(await manager.deliver(id(''), round)).toBe(2);
			}
			await Promise.all(inboxes.map((inbox) => inbox.until(3)));
			for (const { received } of inboxes) expect(received).toEqual(rounds);
		},
	},
	{
		name: 'what is sent to streams reaches no inbox, and what is delivered reaches no stream',
		async run({ manager, elsewhere, id, open }) {
			const stream = await OpenStream.open(manager, id(''));
			expect(await elsewhere.deliver(id(''), 'with a stream alone')).toBe(0);
			// Newer than the stream: it must not take the stream's place.
			const inbox = await open(id(''));
			expect(await elsewhere.deliver(id(''), 'to the inbox')).toBe(1);
			await elsewhere.send([id('')], frameOf('to one'));
			await elsewhere.send(undefined, frameOf('to all'));
			await Promise.all([stream.until('to all'), inbox.until(1)]);
			await sleep(SILENCE_MS);
			expect(stream.messages).toEqual(['to one', 'to all']);
			expect(inbox.received).toEqual(['to the inbox']);
		},
	},
	{
		name: 'an inbox outlives the streams and the end of its session',
		async run({ manager, elsewhere, id, open }) {
			const cancelled = await OpenStream.open(manager, id(''));
			const ended = await OpenStream.open(manager, id(''));
			const inbox = await open(id(''));
			await cancelled.cancel();
			await elsewhere.delete(id(''));
			await ended.ended;
			expect(await elsewhere.deliver(id(''), 'still at work')).toBe(1);
			await inbox.until(1);
			expect(inbox.received).toEqual(['still at work']);
		},
	},
	{
		name: 'a session has 256 open inboxes at most: one more is refused, and one that is closed makes place',
		async run({ elsewhere, id, open }) {
			const inboxes = [];
			for (let opened = 0; opened < MAX_CALLS_PER_SESSION; opened++)
				inboxes.push(await open(id('')));
			await expect(open(id(''), elsewhere)).rejects.toThrow(
				'a session waits for at most 256 calls at a time',
			);
			const other = await open(id('other'), elsewhere);
			expect(await elsewhere.deliver(id(''), 'to all')).toBe(MAX_CALLS_PER_SESSION);
			await Promise.all(inboxes.map((inbox) => inbox.until(1)));
			inboxes[0]?.close();
			await untilTaken(MAX_CALLS_PER_SESSION - 1, () => elsewhere.deliver(id(''), 'to the others'));
			const next = await open(id(''), elsewhere);
			expect(await elsewhere.deliver(id(''), 'to the next')).toBe(MAX_CALLS_PER_SESSION);
			await next.until(1);
			expect(other.received).toEqual([]);
		},
	},
];
