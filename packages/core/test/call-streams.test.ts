import { isCallStream, parseEventId, withEventId } from '@tmcp-sessions/core/backend';
import { newCallStream, requestIdOfCall } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

/** Ids that JSON-RPC allows: strings of up to 1,024 characters, and integers. */
const IDS = [
	0,
	1,
	-1,
	7,
	Number.MAX_SAFE_INTEGER,
	Number.MIN_SAFE_INTEGER,
	'',
	'7',
	'seven',
	crypto.randomUUID(),
	'a b',
	'a/b:c',
	'"',
	'\\',
	'\0\n\r',
	'ü',
	'雪',
	'\u2028',
	'\u{1f43b}',
	'\ud800',
	'x'.repeat(1_024),
	'~'.repeat(1_024),
];

describe('the stream of a call', () => {
	it.each(IDS)('names its request, whose id is %j', (id) => {
		const stream = newCallStream(id) ?? '';
		expect(isCallStream(stream)).toBe(true);
		expect(requestIdOfCall(stream)).toBe(id);
		const eventId = /^id: (.+)\n/.exec(withEventId({ stream, sequence: 3 }, 'data: {}\n\n'))?.[1];
		expect(parseEventId(eventId ?? '')).toEqual({ stream, sequence: 3 });
		expect(eventId).toMatch(/^[\w./:-]{1,1500}$/);
	});

	it('has no name for an id that would make each event too long', () => {
		expect(newCallStream('雪'.repeat(1_024))).toBeUndefined();
	});

	it('has a name with 122 random bits', () => {
		const names = Array.from({ length: 100 }, () => newCallStream(1));
		expect(new Set(names).size).toBe(names.length);
		expect(names[0]).toMatch(/^call\/[\da-f-]{36}\/n1$/);
	});

	it.each(['call/', 'call/x', `call/${crypto.randomUUID()}`, 'call/a/b', '0/a/b'])(
		'names no request if it was not made here: %s',
		(stream) => {
			expect(requestIdOfCall(stream)).toBeUndefined();
		},
	);

	it.each(['n', 'nx', 'n1e', 'n[1]', 'j', 'j!', 'jbnVsbA', 'jW10', 'q1'])(
		'names no request if the id does not decode: %s',
		(encoded) => {
			expect(requestIdOfCall(`call/${crypto.randomUUID()}/${encoded}`)).toBeUndefined();
		},
	);
});
