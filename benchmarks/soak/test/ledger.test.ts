import { expect, it } from 'vitest';

import { isSound, StreamLedger } from '../src/ledger.ts';
import type { Tally } from '../src/ledger.ts';
import { createMessageParser } from '../src/stream-client.ts';

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

it('finds a stream sound if each message arrives once in the order of its publisher', () => {
	const tally = tallyOf([a(1), a(3), b(2), a(4), b(5)]);
	expect(tally).toMatchObject({ sent: 5, received: 5, gaps: 0 });
	expect(isSound(tally)).toBe(true);
});

it('counts lost, repeated and late messages', () => {
	expect(tallyOf([a(1), a(3), a(4), b(5)])).toMatchObject({ lost: 1 });
	expect(tallyOf([a(1), b(2), a(3), a(4), b(5), a(1)])).toMatchObject({ repeated: 1, received: 6 });
	const late = tallyOf([a(3), a(1), b(2), a(4), b(5)]);
	expect(late).toMatchObject({ outOfOrder: 1, lost: 0 });
	for (const bad of [[], [b(2), b(2)], [a(3), a(1)]]) expect(isSound(tallyOf(bad))).toBe(false);
});

it('does not count a message within an announced gap as lost', () => {
	expect(tallyOf([a(1), 'gap', a(4), b(5)])).toMatchObject({ gaps: 1, missedInGaps: 2, lost: 0 });
	expect(tallyOf([a(1), b(2), a(4), 'gap', b(5)])).toMatchObject({ missedInGaps: 0, lost: 1 });
});

it('accepts a message whose publication was not confirmed', () => {
	const ledger = new StreamLedger();
	ledger.receive(a(7));
	expect(isSound(ledger.tally())).toBe(true);
	expect(ledger.missing).toBe(0);
});

it('parses events from chunks of any length and drops an incomplete one', () => {
	const parsed: unknown[] = [];
	const parser = createMessageParser({
		onEventId: (id) => parsed.push(id),
		onGap: () => parsed.push('gap'),
		onMessage: (message) => parsed.push(message),
		onRetry: (retryMs) => parsed.push(retryMs),
	});
	const data = (number: number): string =>
		`data: ${JSON.stringify({ params: { number, publisher: 'a: b' } })}`;
	const text = `id: 1\n: gap, lost\nretry: 5\ndata: \n\n: keep-alive\n\nid: 2\n${data(7)}\n\nid: 3\n${data(8)}`;
	for (const character of text) parser.feed(character);
	expect(parsed).toEqual([5, '1', 'gap', '2', { number: 7, publisher: 'a: b' }]);
});
