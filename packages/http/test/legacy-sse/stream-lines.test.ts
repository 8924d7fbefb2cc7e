import { readStrictly } from '@tmcp-sessions/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { RawSession, startFixture } from './deployment.ts';
import type { Isolates } from './deployment.ts';

const TERMINATORS = 'next\u0085line\u2028paragraph\u2029end';

let workers: Isolates;
beforeAll(async () => {
	workers = await startFixture();
}, 60_000);
afterAll(() => workers.stop());

it.each([{}, { 'mcp-protocol-version': '2025-11-25' }])(
	'hazard stream-lines: sends clients of the SSE transport no line that one of them cannot read, with headers %j',
	async (headers) => {
		const session = await RawSession.open(workers, '/sse', headers);
		await session.initialize();
		await session.call(1, 'echo', { text: TERMINATORS });
		await session.call(2, 'count', { to: 3 });
		await session.call(3, 'notify');
		for (const id of [1, 2, 3]) await session.stream.response(id);
		await session.stream.waitFor('list_changed');
		const { text } = session.stream;
		session.stream.destroy();
		expect(() => readStrictly(text), text).not.toThrow();
		expect(text).not.toMatch(/[\u0085\u2028\u2029]/);
		expect(text).not.toMatch(/^data:\s*$/m);
		expect(text).toContain(String.raw`next\u0085line`);
	},
);
