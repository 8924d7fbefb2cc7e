import { withEventId } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import {
	MAX_CALLS_PER_SESSION,
	MAX_STREAMS_PER_SESSION,
	newCallStream,
} from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

import { frameOf, OpenStream } from '../clients/open-stream.ts';
import { sleep } from '../sleep.ts';
import type { ResumableCase } from './resumable-subject.ts';

/** Longer than an impatient manager waits. */
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

/** What a call said, which is one message. */
function said(stream: string, sequence: number, message: string, isComplete: boolean): CallEvents {
	const frames = [withEventId({ stream, sequence }, frameOf(message))];
	return { stream, first: sequence, frames, isComplete };
}

export const streamBoundCases: readonly ResumableCase[] = [
	{
		name: 'L15 stream-takeover: a session has 32 open streams at most: one more is served, and ends the oldest',
		async run({ manager, elsewhere, errors, id }) {
			const other = await OpenStream.open(manager, id('other'));
			const [oldest, ...streams] = await openAll(manager, id(''), MAX_STREAMS_PER_SESSION);
			const one = streams[0];
			expect(errors).toEqual([]);
			const newest = await OpenStream.open(elsewhere, id(''));
			await oldest?.ended;
			expect(errors.map(({ message }) => message)).toEqual([
				expect.stringContaining('a session has at most 32 open streams'),
			]);
			await manager.send([id(''), id('other')], frameOf('to the newest'));
			await Promise.all([newest.until('to the newest'), other.until('to the newest')]);
			// The ones in between are open still: a stream that is closed makes place.
			await Promise.all([newest, ...streams.slice(1)].map((stream) => stream.cancel()));
			await manager.send([id('')], frameOf('to the last'));
			await one?.until('to the last');
			expect(errors).toHaveLength(1);
		},
	},
	{
		name: 'a session waits for 256 calls at most: one more is refused, and may come again',
		async run({ manager, elsewhere, id }) {
			const call = newCallStream();
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
			await manager.keepCall(id(''), said(`${call}-0`, 1, 'answer', true));
			await waiting[0]?.ended;
			expect(waiting[0]?.messages).toEqual(['answer']);
			await manager.keepCall(id(''), said(call, 1, 'the other answer', true));
			const again = await OpenStream.open(elsewhere, id(''), `${call}:0`);
			await again.ended;
			expect(again.messages).toEqual(['the other answer']);
			await manager.send([id('')], frameOf('not concerned'));
			await listening.until('not concerned');
			await Promise.all([other, ...waiting.slice(1)].map((stream) => stream.cancel()));
		},
	},
	{
		name: 'a call of which nothing is known is not waited for without an end: a gap, and the stream ends',
		async run({ impatient, errors, id }) {
			const call = newCallStream();
			const stream = await OpenStream.open(impatient, id(''), `${call}:7`);
			await stream.ended;
			const [event, ...more] = stream.events;
			expect(event).toMatchObject({ id: `${call}:7`, data: '' });
			expect(event?.comment).toContain('gap, the call has no further events');
			expect(more).toEqual([]);
			expect(errors).toHaveLength(1);
			// Its client comes back with the same id: what the call has said since is there.
			await impatient.keepCall(id(''), said(call, 8, 'answer', true));
			const again = await OpenStream.open(impatient, id(''), stream.lastEventId);
			await again.ended;
			expect(again.messages).toEqual(['answer']);
		},
	},
	{
		name: 'a call of which something is known, or comes in time, is waited for longer',
		async run({ manager, impatient, errors, id }) {
			const [known, early] = [newCallStream(), newCallStream()];
			await manager.keepCall(id(''), said(known, 1, 'kept', false));
			const streams = await Promise.all(
				[known, early].map((call) => OpenStream.open(impatient, id(''), `${call}:0`)),
			);
			await manager.keepCall(id(''), said(early, 1, 'in time', false));
			await sleep(LONGER_MS);
			for (const call of [known, early]) {
				await manager.keepCall(id(''), said(call, 2, 'answer', true));
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
