import { InMemorySessionStore } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';

import { deployment } from './endpoint.ts';

const huge = { experimental: { a: { b: 'x'.repeat(2_000) } } };

describe('client metadata that does not fit an id', () => {
	it('is rejected without rest, with a fix for the client and one for the deployment', async () => {
		const { isolate } = deployment();
		const here = isolate();
		const reply = await here.initialize(huge);
		expect(reply).toMatchObject({ status: 400, session: '' });
		expect(reply.text).toContain('declare fewer capabilities');
		expect(here.errors).toMatchObject([{ code: 'session-too-large' }]);
		expect(here.errors[0]?.message).toMatch(/at most 2048 .* rest to store/);
	});

	it('is stored in rest', async () => {
		const { clock, isolate, operations } = deployment(
			({ now }) => new InMemorySessionStore({ now }),
		);
		const [here, there] = [isolate(), isolate()];
		const session = await here.open(huge);
		expect(session.length).toBeLessThan(150);
		expect(operations.splice(0)).toEqual(['create']);
		const text = JSON.stringify(huge).replaceAll('"', '\\"');
		expect((await here.call(session)).text).toContain(`visitor, ${text}, none`);
		expect(operations.splice(0)).toEqual([]);
		for (let count = 0; count < 3; count++) {
			expect((await there.call(session)).text).toContain(`visitor, ${text}, none`);
		}
		expect(operations.splice(0)).toEqual(['read']);
		await there.setLogLevel('error', session);
		expect((await there.call(session)).text).toContain(`visitor, ${text}, error`);
		expect((await there.subscribe(session)).status).toBe(200);
		expect((await there.end(session)).status).toBe(200);
		expect((await there.setLogLevel('debug', session)).status).toBe(404);
		clock.advance(60_000);
		expect((await here.call(session)).status).toBe(404);
	});

	it('counts with its whole length in the cache of an isolate, and evicts other sessions', async () => {
		const { isolate, operations } = deployment(({ now }) => new InMemorySessionStore({ now }));
		const [here, there] = [isolate(), isolate()];
		const longest = { experimental: { a: { b: 'x'.repeat(16_000) } } };
		const usual = await there.open();
		const sessions: string[] = [];
		for (let count = 0; count < 70; count++) sessions.push(await here.open(longest));
		const readsOf = async (each: typeof here, session: string | undefined): Promise<string[]> => {
			operations.length = 0;
			expect((await each.call(session ?? '')).status).toBe(200);
			return operations.splice(0);
		};
		// The cache holds 2^20 characters: 65 of these sessions.
		expect(await readsOf(here, sessions.at(-1))).toEqual([]);
		expect(await readsOf(here, sessions.at(-60))).toEqual([]);
		expect(await readsOf(here, sessions[0])).toEqual(['read']);
		// Records count the same whether they were read or written.
		for (const session of sessions) expect(await readsOf(there, session)).toEqual(['read']);
		expect(await readsOf(there, sessions.at(-60))).toEqual([]);
		expect(await readsOf(there, sessions[0])).toEqual(['read']);
		expect(await readsOf(there, usual)).toEqual(['read']);
	});

	it('would need an id of more than 2,048 characters', async () => {
		const { isolate } = deployment();
		const [here, there] = [isolate(), isolate()];
		let longest = '';
		for (let length = 1_200; ; length++) {
			const { session } = await here.initialize({ experimental: { a: 'x'.repeat(length) } });
			if (session === '') break;
			longest = session;
		}
		expect(longest.length).toBeGreaterThan(2_044);
		expect(longest.length).toBeLessThanOrEqual(2_048);
		expect((await there.call(longest)).status).toBe(200);
	});
});
