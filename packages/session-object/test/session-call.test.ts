import { describe, expect, it } from 'vitest';

import { packed, unpacked } from '../src/object/session-call.ts';
import type { SessionCall } from '../src/object/session-call.ts';

const call: SessionCall = {
	method: 'POST',
	headers: { accept: 'application/json' },
	body: '{"method":\n"ping"}',
	session: 'a-session',
	principal: '',
	auth: null,
	keptBy: 'session',
};

describe('a call on its way to an object', () => {
	it('arrives as it was sent, whatever its body, and again when its client repeats itself', () => {
		for (const body of [call.body, '', 'another\n\n', call.body]) {
			expect(unpacked<SessionCall>(packed({ ...call, body }))).toEqual({ ...call, body });
		}
	});

	it('brings a caller of its own, whom a tool may do with what it likes', () => {
		const auth = { token: 'a', clientId: 'b', scopes: ['read'], extra: { seen: 0 } };
		const text = packed({ ...call, auth });
		const first = unpacked<SessionCall>(text);
		first.auth?.scopes.push('write');
		Object.assign(first.auth?.extra ?? {}, { seen: 1 });
		expect(unpacked<SessionCall>(text).auth).toEqual(auth);
	});

	it('of many clients arrives as it was sent', () => {
		for (let session = 0; session < 1_000; session++) {
			const each = { ...call, session: `session-${session % 400}` };
			expect(unpacked<SessionCall>(packed(each))).toEqual(each);
		}
	});
});
