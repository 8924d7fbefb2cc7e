import { sleep, withEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { MAX_CALLS_PER_SESSION, MAX_STREAMS_PER_SESSION } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

import { callStream } from '../clients/call-stream.ts';
import { frameOf, OpenStream } from '../clients/open-stream.ts';
import type { ResumableCase } from './resumable-subject.ts';

/** Longer than the 100 ms that the impatient manager waits. */
const LONGER_MS = 250;

async function openAll(
	manager: StreamSessionManager,
	session: string,
	count: number,
	lastEventId: (index: number) => string | undefined = () => undefined,
): Promise<OpenStream[]> {
	const streams: OpenStream[] = [];
	for (let index = 0; index < count; index++) {
		streams.push(await OpenStream.open(manager, session, lastEventId(index)));
	}
	return streams;
}

/** Returns one event of a call. */
function callEvent(
	stream: string,
	sequence: number,
	message: string,
	isComplete: boolean,
): CallEvents {
	const frames = [withEventId({ stream, sequence }, frameOf(message))];
	return { stream, first: sequence, frames, isComplete };
}

export const streamBoundCases: readonly ResumableCase[] = [
	{
		name: 'L15 stream-takeover: ends the oldest stream of a session when its 33rd opens',
		async run({ manager, elsewhere, errors, id }) {
			const other = await OpenStream.open(manager, id('other'));
			const [oldest, ...streams] = await openAll(manager, id(''), MAX_STREAMS_PER_SESSION);
			const one = streams[0];
			expect(errors).toEqual([]);
			const newest = await OpenStream.open(elsewhere, id(''));
			await oldest?.ended;
			// The delay comes right before the end, and nowhere else.
			expect(oldest?.text).toMatch(/^id: \S+\ndata:\n\nretry: \d+\n\n$/);
			expect(one?.text).not.toContain('retry');
			expect(errors.map(({ message }) => message)).toEqual([
				expect.stringContaining('a session has at most 32 open streams'),
			]);
			await manager.send([id(''), id('other')], frameOf('to the newest'));
			await Promise.all([newest.until('to the newest'), other.until('to the newest')]);
			// The other streams are still open: closing them makes the second oldest the newest.
			await Promise.all([newest, ...streams.slice(1)].map((stream) => stream.cancel()));
			await manager.send([id('')], frameOf('to the last'));
			await one?.until('to the last');
			expect(errors).toHaveLength(1);
		},
	},
	{
		name: 'rejects the 257th stream of a session that resumes a call, until another one ends',
		async run({ manager, elsewhere, id }) {
			const call = callStream();
			const listening = await OpenStream.open(manager, id(''));
			const waiting = await openAll(
				manager,
				id(''),
				MAX_CALLS_PER_SESSION,
				(index) => `${call}-${index}:0`,
			);
			const refused = OpenStream.open(elsewhere, id(''), `${call}:0`);
			await expect(refused).rejects.toThrow('a session waits for at most 256 calls at a time');
			const other = await OpenStream.open(elsewhere, id('other'), `${call}:0`);
			await manager.keepCall(id(''), callEvent(`${call}-0`, 1, 'answer', true));
			await waiting[0]?.ended;
			expect(waiting[0]?.messages).toEqual(['answer']);
			await manager.keepCall(id(''), callEvent(call, 1, 'the other answer', true));
			const again = await OpenStream.open(elsewhere, id(''), `${call}:0`);
			await again.ended;
			expect(again.messages).toEqual(['the other answer']);
			await manager.send([id('')], frameOf('on the other stream'));
			await listening.until('on the other stream');
			await Promise.all([other, ...waiting.slice(1)].map((stream) => stream.cancel()));
		},
	},
	{
		name: 'announces a gap and ends the stream if an unknown call has no event in time',
		async run({ impatient, errors, id }) {
			const call = callStream();
			const stream = await OpenStream.open(impatient, id(''), `${call}:7`);
			await stream.ended;
			const [event, ...more] = stream.events;
			expect(event).toMatchObject({ id: `${call}:7`, data: '' });
			expect(event?.comment).toContain('gap, the call has no further events');
			expect(more).toEqual([]);
			expect(errors).toHaveLength(1);
			// The client reconnects with the same id and gets the events since then.
			await impatient.keepCall(id(''), callEvent(call, 8, 'answer', true));
			const again = await OpenStream.open(impatient, id(''), stream.lastEventId);
			await again.ended;
			expect(again.messages).toEqual(['answer']);
		},
	},
	{
		name: 'waits longer for a call that has events, or whose first event arrives in time',
		async run({ manager, impatient, errors, id }) {
			const [known, early] = [callStream(), callStream()];
			await manager.keepCall(id(''), callEvent(known, 1, 'kept', false));
			const streams = await Promise.all(
				[known, early].map((call) => OpenStream.open(impatient, id(''), `${call}:0`)),
			);
			await manager.keepCall(id(''), callEvent(early, 1, 'in time', false));
			await sleep(LONGER_MS);
			for (const call of [known, early]) {
				await manager.keepCall(id(''), callEvent(call, 2, 'answer', true));
			}
			await Promise.all(streams.map(({ ended }) => ended));
			expect(streams.map(({ messages }) => messages)).toEqual([
				['kept', 'answer'],
				['in time', 'answer'],
			]);
			expect(errors).toEqual([]);
		},
	},
];
