import { sleep, withEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { expect } from 'vitest';

import { callStream } from '../clients/call-stream.ts';
import { frameOf, OpenStream } from '../clients/open-stream.ts';
import type { ResumableCase } from './resumable-subject.ts';

/** How long to wait for a message that must not arrive, after a later one has arrived. */
const SILENCE_MS = 50;

/** Returns events of a call: one for each message, numbered from `first`. */
function callEvents(
	stream: string,
	first: number,
	messages: string[],
	isComplete = false,
): CallEvents {
	const frames = messages.map((message, index) =>
		withEventId({ stream, sequence: first + index }, frameOf(message)),
	);
	return { stream, first, frames, isComplete };
}

export const resumedCallCases: readonly ResumableCase[] = [
	{
		name: 'L16 responses-only-on-resume: replays the missed events of a call, and ends the stream after the response',
		async run({ manager, elsewhere, evict, errors, id }) {
			const call = callStream();
			await manager.keepCall(id(''), callEvents(call, 1, ['seen', 'missed']));
			await evict();
			await manager.keepCall(id(''), callEvents(call, 3, ['answer'], true));
			const resumed = await OpenStream.open(elsewhere, id(''), `${call}:1`);
			await resumed.ended;
			expect(resumed.messages).toEqual(['missed', 'answer']);
			expect(resumed.events.map((event) => event.id)).toEqual([`${call}:2`, `${call}:3`]);
			const all = await OpenStream.open(elsewhere, id(''), `${call}:0`);
			await all.ended;
			expect(all.messages).toEqual(['seen', 'missed', 'answer']);
			expect(errors).toEqual([]);
		},
	},
	{
		name: 'sends the events of a running call on streams that resume it, even before the first event',
		async run({ manager, elsewhere, evict, errors, id }) {
			const call = callStream();
			const early = await OpenStream.open(elsewhere, id(''), `${call}:0`);
			await manager.keepCall(id(''), callEvents(call, 1, ['progress 1']));
			await early.until('progress 1');
			await evict();
			const late = await OpenStream.open(manager, id(''), `${call}:0`);
			await late.until('progress 1');
			await manager.keepCall(id(''), callEvents(call, 2, ['progress 2']));
			await manager.keepCall(id(''), callEvents(call, 3, ['answer'], true));
			await Promise.all([early.ended, late.ended]);
			for (const { messages } of [early, late]) {
				expect(messages).toEqual(['progress 1', 'progress 2', 'answer']);
			}
			expect(errors).toEqual([]);
		},
	},
	{
		name: 'sends an event once that was kept twice',
		async run({ manager, id }) {
			const call = callStream();
			const live = await OpenStream.open(manager, id(''), `${call}:0`);
			await manager.keepCall(id(''), callEvents(call, 1, ['a', 'b']));
			await manager.keepCall(id(''), callEvents(call, 1, ['a', 'b']));
			await manager.keepCall(id(''), callEvents(call, 1, ['a', 'b', 'c', 'answer'], true));
			await manager.keepCall(id(''), callEvents(call, 4, ['answer'], true));
			await live.ended;
			const replayed = await OpenStream.open(manager, id(''), `${call}:0`);
			await replayed.ended;
			for (const { messages } of [live, replayed]) {
				expect(messages).toEqual(['a', 'b', 'c', 'answer']);
			}
		},
	},
	{
		name: 'replays 10,000 events of a call once and in order, and reads none of them for a new one',
		async run({ manager, readsOf, id }) {
			const call = callStream();
			const count = readsOf ?? (async (run) => run().then(() => 0));
			const keepTen = (first: number): Promise<number> =>
				count(async () => {
					for (let sequence = first; sequence < first + 10; sequence++)
						await manager.keepCall(id(''), callEvents(call, sequence, [`${sequence}`]));
				});
			await keepTen(1);
			const early = await keepTen(11);
			const many = Array.from({ length: 9_970 }, (_, index) => `${21 + index}`);
			await manager.keepCall(id(''), callEvents(call, 21, many));
			await keepTen(9_991);
			expect(await keepTen(10_001)).toBeLessThanOrEqual(early);
			await manager.keepCall(id(''), callEvents(call, 10_011, ['answer'], true));
			const resumed = await OpenStream.open(manager, id(''), `${call}:0`);
			await resumed.ended;
			expect(resumed.messages).toEqual([
				...Array.from({ length: 10_010 }, (_, index) => `${index + 1}`),
				'answer',
			]);
		},
	},
	{
		name: 'ends the streams that resume a call when it completes without a frame',
		async run({ manager, id }) {
			const call = callStream();
			const live = await OpenStream.open(manager, id(''), `${call}:0`);
			await manager.keepCall(id(''), callEvents(call, 1, ['a']));
			await manager.keepCall(id(''), callEvents(call, 2, [], true));
			await live.ended;
			const again = await OpenStream.open(manager, id(''), `${call}:1`);
			await again.ended;
			expect(live.messages).toEqual(['a']);
			expect(again.messages).toEqual([]);
		},
	},
	{
		name: 'sends no event of a call to another session',
		async run({ manager, elsewhere, id }) {
			const call = callStream();
			await manager.keepCall(id('owner'), callEvents(call, 1, ['secret 1']));
			const thief = await OpenStream.open(elsewhere, id('thief'), `${call}:0`);
			const owner = await OpenStream.open(elsewhere, id('owner'), `${call}:0`);
			await manager.keepCall(id('owner'), callEvents(call, 2, ['secret 2'], true));
			await owner.ended;
			await sleep(SILENCE_MS);
			expect(owner.messages).toEqual(['secret 1', 'secret 2']);
			expect(thief.messages).toEqual([]);
			await thief.cancel();
		},
	},
	{
		name: 'announces a gap for events of a call that were not kept',
		async run({ manager, errors, id }) {
			const call = callStream();
			await manager.keepCall(id(''), callEvents(call, 4, ['4', '5']));
			await manager.keepCall(id(''), callEvents(call, 8, ['answer'], true));
			const resumed = await OpenStream.open(manager, id(''), `${call}:1`);
			await resumed.ended;
			expect(resumed.messages).toEqual(['4', '5', 'answer']);
			expect(resumed.text.match(/up to \d+ messages were lost/g)).toEqual([
				'up to 2 messages were lost',
				'up to 2 messages were lost',
			]);
			expect(errors).toHaveLength(2);
		},
	},
	{
		name: 'L16 responses-only-on-resume: sends only the events of its call on a stream that resumes one',
		async run({ manager, id }) {
			const call = callStream();
			const listening = await OpenStream.open(manager, id(''));
			const resumed = await OpenStream.open(manager, id(''), `${call}:0`);
			await manager.send([id('')], frameOf('to one'));
			await manager.send(undefined, frameOf('to all'));
			await listening.until('to all');
			// The disconnect of this client must not end other streams of the session.
			await resumed.cancel();
			await manager.send([id('')], frameOf('later'));
			await listening.until('later');
			expect(resumed.messages).toEqual([]);
			expect(listening.messages).toContain('to one');
		},
	},
	{
		name: 'ends the streams that resume calls of an ended session, and deletes the calls',
		async run({ manager, elsewhere, id }) {
			const call = callStream();
			const other = await OpenStream.open(manager, id('other'), `${call}:0`);
			const resumed = await OpenStream.open(manager, id(''), `${call}:0`);
			await manager.keepCall(id(''), callEvents(call, 1, ['event']));
			await manager.keepCall(id('other'), callEvents(`${call}0`, 1, ['event']));
			await resumed.until('event');
			await elsewhere.delete(id(''));
			await resumed.ended;
			// A manager may also reject it.
			const again = await OpenStream.open(manager, id(''), `${call}:0`).catch(() => undefined);
			await manager.keepCall(id('other'), callEvents(call, 1, ['of another'], true));
			await other.ended;
			expect(other.messages).toEqual(['of another']);
			await again?.ended;
			expect(again?.messages ?? []).toEqual([]);
		},
	},
];
