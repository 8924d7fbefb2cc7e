import { describe, expect, it } from 'vitest';

import { deserialize, serialize } from '../src/object/rpc-format.ts';
import type { SessionRequest } from '../src/object/session-request.ts';

const request: SessionRequest = {
	method: 'POST',
	headers: { accept: 'application/json' },
	body: '{"method":\n"ping"}',
	sessionId: 'a-session',
	principal: '',
	auth: null,
	objectPer: 'session',
};

describe('a serialized request', () => {
	it('is deserialized unchanged with any body, also when its head is cached', () => {
		for (const body of [request.body, '', 'another\n\n', request.body]) {
			const sent = { ...request, body };
			expect(deserialize<SessionRequest>(serialize(sent))).toEqual(sent);
		}
	});

	it('yields a new auth object each time, so that a tool can modify it', () => {
		const auth = { token: 'a', clientId: 'b', scopes: ['read'], extra: { seen: 0 } };
		const text = serialize({ ...request, auth });
		const first = deserialize<SessionRequest>(text);
		first.auth?.scopes.push('write');
		Object.assign(first.auth?.extra ?? {}, { seen: 1 });
		expect(deserialize<SessionRequest>(text).auth).toEqual(auth);
	});

	it('is deserialized unchanged after the head cache has overflowed', () => {
		for (let session = 0; session < 1_000; session++) {
			const sent = { ...request, sessionId: `session-${session % 400}` };
			expect(deserialize<SessionRequest>(serialize(sent))).toEqual(sent);
		}
	});
});
