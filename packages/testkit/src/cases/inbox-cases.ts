import { sleep } from '@tmcp-sessions/core/backend';
import type { SessionInbox, SessionInboxes } from '@tmcp-sessions/core/backend';
import { MAX_CALLS_PER_SESSION } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

import { frameOf, OpenStream } from '../clients/open-stream.ts';
import { AWKWARD_LABELS } from './stream-cases.ts';

/** The stream manager with inboxes that a case tests. */
export interface InboxesUnderTest {
	readonly manager: StreamSessionManager & SessionInboxes;
	/** The manager of another isolate over the same backend; `manager` itself if it has one isolate only. */
	readonly elsewhere: StreamSessionManager & SessionInboxes;
	/** Evicts the objects of the backend from memory, as after 10 s of idleness. Inboxes stay open. */
	evict(): Promise<void>;
}

/** An inbox that records its messages. */
export interface OpenInbox extends SessionInbox {
	/** The messages that arrived so far. */
	readonly received: readonly string[];
	/** Resolves once `count` messages have arrived; rejects after five seconds. */
	until(count: number): Promise<void>;
}

/** The arguments of a case. */
export interface InboxesSubject extends InboxesUnderTest {
	/** Returns a session id that no other case uses, ending in `label`. */
	id(label: string): string;
	/** Opens an inbox, of `manager` by default. It is closed after the case. */
	open(session: string, where?: SessionInboxes): Promise<OpenInbox>;
}

/** One requirement of every stream manager with inboxes. `run` rejects if the manager violates it. */
export interface InboxesCase {
	readonly name: string;
	run(subject: InboxesSubject): Promise<void>;
}

/** Creates the managers for one case. The backend may hold data of other cases. */
export type InboxesFactory = () => InboxesUnderTest | Promise<InboxesUnderTest>;

const ARRIVAL_MS = 5_000;

/** How long to wait for a message that must not arrive, after another one has arrived. */
const SILENCE_MS = 50;

/** Runs one case against a separate manager. Rejects with the failed assertion. */
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

/**
 * Delivers until `count` inboxes take the message: a close takes a moment to reach the backend.
 * Not `expect.poll`, which works only inside of a Vitest test.
 */
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
		name: 'delivers a message once to every open inbox of its session, and to no other session',
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
		name: 'tells apart sessions of which one id begins or ends with the other',
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
		name: 'tells apart ids with characters that are special in a URL, a key or a path',
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
		name: 'delivers messages of another isolate in order, from right after an inbox opened',
		async run({ elsewhere, id, open }) {
			const inbox = await open(id(''));
			const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
			for (const message of messages) await elsewhere.deliver(id(''), message);
			await inbox.until(messages.length);
			expect(inbox.received).toEqual(messages);
		},
	},
	{
		name: 'delivers any text unchanged',
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
		name: 'returns 0 for a message to a session without an inbox, and does not store it',
		async run({ manager, id, open }) {
			expect(await manager.deliver(id('never opened'), 'without a recipient')).toBe(0);
			const late = await open(id('never opened'));
			expect(await manager.deliver(id('never opened'), 'to one')).toBe(1);
			await late.until(1);
			expect(late.received).toEqual(['to one']);
		},
	},
	{
		name: 'delivers nothing to a closed inbox and ignores a second close, which closes no other',
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
			await untilTaken(0, () => manager.deliver(id(''), 'without a recipient'));
		},
	},
	{
		name: 'keeps inboxes open through an eviction and delivers the messages after it',
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
		name: 'sends no message of streams to inboxes, and none of inboxes to streams',
		async run({ manager, elsewhere, id, open }) {
			const stream = await OpenStream.open(manager, id(''));
			expect(await elsewhere.deliver(id(''), 'with a stream alone')).toBe(0);
			// The inbox is newer than the stream, and must not take over its messages.
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
		name: 'keeps an inbox open after the streams and the end of its session',
		async run({ manager, elsewhere, id, open }) {
			const cancelled = await OpenStream.open(manager, id(''));
			const ended = await OpenStream.open(manager, id(''));
			const inbox = await open(id(''));
			await cancelled.cancel();
			await elsewhere.delete(id(''));
			await ended.ended;
			expect(await elsewhere.deliver(id(''), 'still open')).toBe(1);
			await inbox.until(1);
			expect(inbox.received).toEqual(['still open']);
		},
	},
	{
		name: 'rejects the 257th open inbox of a session until another one closes',
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
