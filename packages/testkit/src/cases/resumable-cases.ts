import { parseEventId, sleep } from '@tmcp-sessions/core/backend';
import { expect } from 'vitest';

import { frameOf, OpenStream } from '../clients/open-stream.ts';
import { readStrictly } from '../clients/strict-events.ts';
import type { ResumableCase, ResumableSubject } from './resumable-subject.ts';
import { resumedCallCases } from './resumed-call-cases.ts';
import { streamBoundCases } from './stream-bound-cases.ts';

/** How long to wait for a message that must not arrive, after a later one has arrived. */
const SILENCE_MS = 50;

const EARLIER_REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18'];

/** Disconnects the client. Returns the last event id that it would reconnect with. */
async function disconnect(stream: OpenStream): Promise<string> {
	await stream.cancel();
	return stream.lastEventId;
}

async function sendAll(
	{ manager }: ResumableSubject,
	session: string,
	...messages: string[]
): Promise<void> {
	for (const message of messages) await manager.send([session], frameOf(message));
}

const streamCases: readonly ResumableCase[] = [
	{
		name: 'L12 priming-event: begins a stream with an event that has an id, no data and no retry time',
		async run({ manager, id }) {
			const stream = await OpenStream.open(manager, id(''));
			await stream.until('\n\n');
			expect(stream.events).toHaveLength(1);
			expect(stream.text).toMatch(/^id: \S+\ndata:\n\n$/);
		},
	},
	{
		name: 'L12 priming-event: begins a stream with a comment for clients of earlier revisions, and announces a gap in one',
		async run(subject) {
			const { manager, errors, id } = subject;
			for (const [index, revision] of EARLIER_REVISIONS.entries()) {
				const stream = await OpenStream.open(manager, id(revision), undefined, revision);
				await stream.until('\n\n');
				expect(stream.text).toMatch(/^: .+\n\n$/);
				await sendAll(subject, id(revision), 'seen');
				await stream.until('seen');
				expect(stream.events.map(({ data }) => data)).toEqual(['"seen"']);
				expect(stream.events[0]?.id).toBeTruthy();
				const lost = await OpenStream.open(manager, id(revision), 'garbage', revision);
				await lost.until('\n\n');
				expect(lost.text).toMatch(/^: gap, .*may have been lost\n\n$/);
				expect(errors).toHaveLength(index + 1);
				await Promise.all([stream.cancel(), lost.cancel()]);
			}
		},
	},
	{
		name: 'sends clients of earlier revisions only lines of fields that they know, and no event without data',
		async run(subject) {
			const { manager, elsewhere, manyMessages, id } = subject;
			for (const revision of EARLIER_REVISIONS) {
				const first = await OpenStream.open(manager, id(revision), undefined, revision);
				await sendAll(subject, id(revision), 'seen');
				await first.until('seen');
				const last = await disconnect(first);
				for (let sent = 0; sent < manyMessages; sent++) {
					await sendAll(subject, id(revision), `${sent}`);
				}
				const second = await OpenStream.open(elsewhere, id(revision), last, revision);
				await second.until(`"${manyMessages - 1}"`);
				expect(second.text).toContain(': gap, ');
				expect(readStrictly(first.text)).toEqual(first.messages);
				expect(readStrictly(second.text)).toEqual(second.messages);
				await second.cancel();
			}
		},
	},
	{
		name: 'escapes the characters at which a client may end a line, in live and in replayed messages',
		async run({ manager, id }) {
			const text = 'one\u0085two\u2028three\u2029four\u000bfive\u001esix';
			const first = await OpenStream.open(manager, id(''));
			await first.until('\n\n');
			const [begun] = first.events;
			await manager.send([id('')], frameOf(text));
			await first.until('six');
			const again = await OpenStream.open(manager, id(''), begun?.id);
			await again.until('six');
			for (const stream of [first, again]) {
				expect(stream.messages).toEqual([text]);
				expect(readStrictly(stream.text)).toEqual([text]);
			}
		},
	},
	{
		name: 'rejects a stream of a session that has ended, and leaves other sessions alone',
		async run({ manager, elsewhere, evict, id }) {
			const stream = await OpenStream.open(manager, id('ended'));
			const other = await OpenStream.open(manager, id('other'));
			await stream.until('\n\n');
			await manager.delete(id('ended'));
			await stream.ended;
			await evict();
			for (const lastEventId of [undefined, stream.lastEventId]) {
				for (const each of [manager, elsewhere]) {
					await expect(OpenStream.open(each, id('ended'), lastEventId)).rejects.toMatchObject({
						code: 'unknown-session',
					});
				}
			}
			const later = await OpenStream.open(elsewhere, id('other'));
			await manager.send([id('other')], frameOf('unharmed'));
			await later.until('unharmed');
			await Promise.all([other, later].map((each) => each.cancel()));
		},
	},
	{
		name: 'L19 event-ids: gives events ids that are unique in a session and identify their stream',
		async run(subject) {
			const { manager, elsewhere, id } = subject;
			const older = await OpenStream.open(manager, id(''));
			await sendAll(subject, id(''), 'a', 'b');
			await older.until('"b"');
			const newer = await OpenStream.open(elsewhere, id(''));
			await sendAll(subject, id(''), 'c', 'd');
			await newer.until('"d"');
			const ids = [older, newer].map(({ events }) => events.map((event) => event.id ?? ''));
			expect(new Set(ids.flat()).size).toBe(6);
			const streams = ids.map((each) => new Set(each.map((of) => parseEventId(of)?.stream)));
			expect(streams.map(({ size }) => size)).toEqual([1, 1]);
			expect([...(streams[0] ?? [])]).not.toEqual([...(streams[1] ?? [])]);
		},
	},
	{
		name: 'L20 event-replay: replays missed messages once and in order, and then sends live ones',
		async run(subject) {
			const { manager, elsewhere, evict, errors, id } = subject;
			const first = await OpenStream.open(manager, id(''));
			await sendAll(subject, id(''), 'seen');
			await first.until('seen');
			const last = await disconnect(first);
			await sendAll(subject, id(''), 'missed 1');
			await evict();
			await elsewhere.send(undefined, frameOf('missed 2'));
			await sendAll(subject, id(''), 'missed 3');
			const second = await OpenStream.open(elsewhere, id(''), last);
			await sendAll(subject, id(''), 'live');
			await second.until('live');
			expect(second.messages).toEqual(['missed 1', 'missed 2', 'missed 3', 'live']);
			const ids = [...first.events, ...second.events].map((event) => event.id);
			expect(new Set(ids).size).toBe(ids.length);
			expect(new Set(ids.map((of) => parseEventId(of ?? '')?.stream)).size).toBe(1);
			expect(errors).toEqual([]);
		},
	},
	{
		name: 'replays messages that were missed before the first one arrived',
		async run(subject) {
			const { manager, id } = subject;
			const first = await OpenStream.open(manager, id(''));
			await first.until('\n\n');
			const last = await disconnect(first);
			await sendAll(subject, id(''), 'missed');
			const second = await OpenStream.open(manager, id(''), last);
			await second.until('missed');
			expect(second.messages).toEqual(['missed']);
		},
	},
	{
		name: 'replays exactly the messages after the last event id',
		async run(subject) {
			const { manager, id } = subject;
			const first = await OpenStream.open(manager, id(''));
			await sendAll(subject, id(''), 'a', 'b', 'c');
			await first.until('"c"');
			const ids = first.events.map((event) => event.id);
			await first.cancel();
			for (const [index, missed] of [['a', 'b', 'c'], ['b', 'c'], ['c'], []].entries()) {
				const again = await OpenStream.open(manager, id(''), ids[index]);
				await sendAll(subject, id(''), `end ${index}`);
				await again.until(`end ${index}`);
				expect(again.messages.slice(0, missed.length)).toEqual(missed);
				expect(again.messages).toHaveLength(missed.length + 1 + index);
				await again.cancel();
			}
		},
	},
	{
		name: 'L20 event-replay: replays no message of another session',
		async run(subject) {
			const { manager, id } = subject;
			const mine = await OpenStream.open(manager, id(''));
			const other = await OpenStream.open(manager, id('0'));
			await Promise.all([mine.until('\n\n'), other.until('\n\n')]);
			const last = await disconnect(mine);
			await sendAll(subject, id('0'), 'for the other');
			await manager.send([id('0'), `x${id('')}`], frameOf('for others'));
			await sendAll(subject, id(''), 'for mine');
			const again = await OpenStream.open(manager, id(''), last);
			await again.until('for mine');
			await other.until('for others');
			expect(again.messages).toEqual(['for mine']);
			expect(other.messages).toEqual(['for the other', 'for others']);
		},
	},
	{
		name: 'L20 event-replay: replays on each of two streams only its own messages',
		async run(subject) {
			const { manager, elsewhere, evict, id } = subject;
			const older = await OpenStream.open(manager, id(''));
			await sendAll(subject, id(''), 'older 1');
			await older.until('older 1');
			const newer = await OpenStream.open(elsewhere, id(''));
			await sendAll(subject, id(''), 'newer 1');
			await newer.until('newer 1');
			const lastOfNewer = await disconnect(newer);
			await evict();
			// The older stream is now the newest open one.
			await sendAll(subject, id(''), 'older 2');
			await older.until('older 2');
			const [, firstOfOlder] = older.events.map((event) => event.id);
			await older.cancel();
			await sendAll(subject, id(''), 'older 3');
			const newerAgain = await OpenStream.open(manager, id(''), lastOfNewer);
			await sendAll(subject, id(''), 'newer 2');
			await newerAgain.until('newer 2');
			const olderAgain = await OpenStream.open(elsewhere, id(''), firstOfOlder);
			await olderAgain.until('older 3');
			// A resumed stream keeps its rank: this one was opened first, so it stays the older one.
			await sendAll(subject, id(''), 'newer 3');
			await newerAgain.until('newer 3');
			expect(newerAgain.messages).toEqual(['newer 2', 'newer 3']);
			expect(olderAgain.messages).toEqual(['older 2', 'older 3']);
		},
	},
	{
		name: 'L15 stream-takeover: sends only on the resumed stream, although its old connection is still open',
		async run(subject) {
			const { manager, elsewhere, evict, id } = subject;
			const old = await OpenStream.open(manager, id(''));
			await sendAll(subject, id(''), 'before');
			await old.until('before');
			const resumed = await OpenStream.open(elsewhere, id(''), old.lastEventId);
			await evict();
			await sendAll(subject, id(''), 'after');
			await resumed.until('after');
			// Later messages belong to the same stream, and are replayed when it is resumed next.
			const last = await disconnect(resumed);
			await sendAll(subject, id(''), 'later');
			const again = await OpenStream.open(manager, id(''), last);
			await again.until('later');
			// The disconnect of the old connection must not end the resumed one.
			await old.cancel();
			await sendAll(subject, id(''), 'at last');
			await again.until('at last');
			await sleep(SILENCE_MS);
			expect(old.messages).toEqual(['before']);
			expect(resumed.messages).toEqual(['after']);
			expect(again.messages).toEqual(['later', 'at last']);
		},
	},
	{
		name: 'announces a gap for a last event id of no stream of the session, and opens live',
		async run(subject) {
			const { manager, errors, id } = subject;
			const other = await OpenStream.open(manager, id('other'));
			const mine = await OpenStream.open(manager, id(''));
			await Promise.all([other.until('\n\n'), mine.until('\n\n')]);
			const [shard = '', epoch = '', channel = ''] = mine.lastEventId.split(/[/:]/);
			const bad = [
				'garbage',
				'17',
				'x'.repeat(10_000),
				'\u{1f43b}:1',
				other.lastEventId,
				`${shard}9/${epoch}/${channel}:0`,
				`${shard}/${epoch}9/${channel}:0`,
				`${shard}/${epoch}/9${channel}:0`,
				`${shard}/${epoch}/0${channel}:0`,
				`${shard}/${epoch}/${channel}:999999999999999`,
			];
			for (const [index, lastEventId] of bad.entries()) {
				const stream = await OpenStream.open(manager, id(''), lastEventId);
				await sendAll(subject, id(''), `live ${index}`);
				await stream.until(`live ${index}`);
				expect(stream.messages).toEqual([`live ${index}`]);
				const [first] = stream.events;
				expect(first?.comment, lastEventId).toMatch(/^gap, .*may have been lost/);
				expect(first?.id).toBeTruthy();
				expect(errors[index]?.message).toMatch(/resuming a stream failed: .*may have been lost/);
				await stream.cancel();
			}
			expect(errors).toHaveLength(bad.length);
			await sendAll(subject, id('other'), 'unharmed');
			await other.until('unharmed');
			expect(other.messages).toEqual(['unharmed']);
		},
	},
	{
		name: 'announces a gap with its size if the log no longer reaches the last event id',
		async run(subject) {
			const { manager, errors, manyMessages, id } = subject;
			const first = await OpenStream.open(manager, id(''));
			await first.until('\n\n');
			const last = await disconnect(first);
			for (let sent = 0; sent < manyMessages; sent++) await sendAll(subject, id(''), `${sent}`);
			const second = await OpenStream.open(manager, id(''), last);
			await second.until(`"${manyMessages - 1}"`);
			const kept = second.messages.length;
			expect(kept).toBeGreaterThan(0);
			expect(kept).toBeLessThan(manyMessages);
			const newest = Array.from({ length: kept }, (_, index) => `${manyMessages - kept + index}`);
			expect(second.messages).toEqual(newest);
			const lost = /up to (\d+) messages were lost/;
			const announced = Number(lost.exec(second.events[0]?.comment ?? '')?.[1]);
			expect(announced).toBeGreaterThanOrEqual(manyMessages - kept);
			expect(errors.map(({ message }) => lost.test(message))).toEqual([true]);
			// The gap has an event id: a client that reconnects after it does not get it again.
			const third = await OpenStream.open(manager, id(''), await disconnect(second));
			await sendAll(subject, id(''), 'live');
			await third.until('live');
			expect(third.messages).toEqual(['live']);
			expect(errors).toHaveLength(1);
		},
	},
	{
		name: 'announces a gap to a client that missed a broadcast pruned from the log',
		async run(subject) {
			const { manager, elsewhere, errors, manyMessages, id } = subject;
			const first = await OpenStream.open(manager, id('away'));
			await first.until('\n\n');
			const last = await disconnect(first);
			await elsewhere.send(undefined, frameOf('to all'));
			// Only other broadcasts displace it.
			for (let sent = 0; sent < manyMessages; sent++)
				await elsewhere.send(undefined, frameOf('much'));
			const second = await OpenStream.open(manager, id('away'), last);
			await sendAll(subject, id('away'), 'live');
			await second.until('live');
			expect(second.messages).not.toContain('to all');
			expect(second.events[0]?.comment).toMatch(/^gap, .*messages were lost/);
			expect(errors.map(({ message }) => /messages were lost/.test(message))).toEqual([true]);
		},
	},
	{
		name: 'replays a broadcast although another session received more than the log holds',
		async run(subject) {
			const { manager, elsewhere, errors, manyMessages, id } = subject;
			const first = await OpenStream.open(manager, id('away'));
			const busy = await OpenStream.open(manager, id('busy'));
			await Promise.all([first.until('\n\n'), busy.until('\n\n')]);
			const last = await disconnect(first);
			await elsewhere.send(undefined, frameOf('to all'));
			for (let sent = 0; sent < manyMessages; sent++) await sendAll(subject, id('busy'), 'much');
			const second = await OpenStream.open(manager, id('away'), last);
			await sendAll(subject, id('away'), 'live');
			await second.until('live');
			expect(second.messages).toEqual(['to all', 'live']);
			expect(errors).toEqual([]);
		},
	},
	{
		name: 'announces no gap for messages that only other sessions missed',
		async run(subject) {
			const { manager, errors, manyMessages, id } = subject;
			const quiet = await OpenStream.open(manager, id('quiet'));
			// The manager logs messages only of sessions that have a stream.
			const busy = await OpenStream.open(manager, id('busy'));
			await Promise.all([quiet.until('\n\n'), busy.until('\n\n')]);
			const last = await disconnect(quiet);
			for (let sent = 0; sent < manyMessages; sent++) await sendAll(subject, id('busy'), 'much');
			const again = await OpenStream.open(manager, id('quiet'), last);
			await sendAll(subject, id('quiet'), 'live');
			await again.until('live');
			expect(again.messages).toEqual(['live']);
			expect(errors).toEqual([]);
		},
	},
];

export const resumableCases: readonly ResumableCase[] = [
	...streamCases,
	...resumedCallCases,
	...streamBoundCases,
];
