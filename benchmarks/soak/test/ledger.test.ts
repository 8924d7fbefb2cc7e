import { expect, it } from 'vitest';

import { createEventParser } from '../src/event-parser.ts';
import type { StreamEvent } from '../src/event-parser.ts';
import { isSound, StreamLedger } from '../src/ledger.ts';
import type { Tally } from '../src/ledger.ts';

const a = (number: number) => ({ number, publisher: 'a' });
const b = (number: number) => ({ number, publisher: 'b' });

function tallyOf(received: readonly (ReturnType<typeof a> | 'gap')[]): Tally {
	const ledger = new StreamLedger();
	for (const message of [a(1), b(2), a(3), a(4), b(5)]) ledger.send(message);
	for (const message of received) {
		if (message === 'gap') ledger.announceGap();
		else ledger.receive(message);
	}
	return ledger.tally();
}

it('what comes once, in the order of each publisher, is sound', () => {
	const tally = tallyOf([a(1), a(3), b(2), a(4), b(5)]);
	expect(tally).toMatchObject({ sent: 5, received: 5, gaps: 0 });
	expect(isSound(tally)).toBe(true);
});

it('what does not come is lost, what comes twice repeated, what comes late out of order', () => {
	expect(tallyOf([a(1), a(3), a(4), b(5)])).toMatchObject({ lost: 1 });
	expect(tallyOf([a(1), b(2), a(3), a(4), b(5), a(1)])).toMatchObject({ repeated: 1, received: 6 });
	const late = tallyOf([a(3), a(1), b(2), a(4), b(5)]);
	expect(late).toMatchObject({ outOfOrder: 1, lost: 0 });
	for (const bad of [[], [b(2), b(2)], [a(3), a(1)]]) expect(isSound(tallyOf(bad))).toBe(false);
});

it('what an announced gap is of is not lost, and what is missing elsewhere is', () => {
	expect(tallyOf([a(1), 'gap', a(4), b(5)])).toMatchObject({ gaps: 1, missedInGaps: 2, lost: 0 });
	expect(tallyOf([a(1), b(2), a(4), 'gap', b(5)])).toMatchObject({ missedInGaps: 0, lost: 1 });
});

it('a message that its publisher was told nothing of may come or not', () => {
	const ledger = new StreamLedger();
	ledger.receive(a(7));
	expect(isSound(ledger.tally())).toBe(true);
	expect(ledger.missing).toBe(0);
});

it('events are read in pieces of any length, and one that was broken off is none', () => {
	const events: StreamEvent[] = [];
	const retries: number[] = [];
	const parser = createEventParser(
		(event) => events.push(event),
		(retryMs) => retries.push(retryMs),
	);
	const text =
		'id: 1\n: gap, lost\nretry: 5\ndata: \n\n: keep-alive\n\nid: 2\ndata: a: b\n\nid: 3\ndata: c';
	for (const character of text) parser.feed(character);
	expect(events).toEqual([
		{ id: '1', comments: ['gap, lost'], data: '' },
		{ id: '2', comments: ['keep-alive'], data: 'a: b' },
	]);
	expect(retries).toEqual([5]);
});
