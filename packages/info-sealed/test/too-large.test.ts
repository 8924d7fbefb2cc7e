import { InMemorySessionStore } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';

import { deployment } from './endpoint.ts';

const huge = { experimental: { a: { b: 'x'.repeat(2_000) } } };

describe('a client that says more than an id holds', () => {
	it('is refused without a rest: it is told what to do, and so is the deployment', async () => {
		const { isolate } = deployment();
		const here = isolate();
		const answer = await here.initialize(huge);
		expect(answer).toMatchObject({ status: 400, session: '' });
		expect(answer.text).toContain('declare fewer capabilities');
		expect(here.errors).toMatchObject([{ code: 'session-too-large' }]);
		expect(here.errors[0]?.message).toMatch(/at most 2048 .* rest to store/);
	});

	it('gets a session that is stored in rest', async () => {
		const { clock, isolate, operations } = deployment(
			({ now }) => new InMemorySessionStore({ now }),
		);
		const [here, there] = [isolate(), isolate()];
		const session = await here.open(huge);
		expect(session.length).toBeLessThan(150);
		expect(operations.splice(0)).toEqual(['create']);
		const said = JSON.stringify(huge).replaceAll('"', '\\"');
		expect((await here.call(session)).text).toContain(`visitor, ${said}, none`);
		expect(operations.splice(0)).toEqual([]);
		for (let count = 0; count < 3; count++) {
			expect((await there.call(session)).text).toContain(`visitor, ${said}, none`);
		}
		expect(operations.splice(0)).toEqual(['read']);
		await there.setLogLevel('error', session);
		expect((await there.call(session)).text).toContain(`visitor, ${said}, error`);
		expect((await there.subscribe(session)).status).toBe(200);
		expect((await there.end(session)).status).toBe(200);
		expect((await there.setLogLevel('debug', session)).status).toBe(404);
		clock.advance(60_000);
		expect((await here.call(session)).status).toBe(404);
	});

	it('takes as much of what an isolate remembers as it says: others are forgotten for it', async () => {
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
		// A mebibyte is remembered: 65 of them.
		expect(await readsOf(here, sessions.at(-1))).toEqual([]);
		expect(await readsOf(here, sessions.at(-60))).toEqual([]);
		expect(await readsOf(here, sessions[0])).toEqual(['read']);
		// What was read counts like what was written.
		for (const session of sessions) expect(await readsOf(there, session)).toEqual(['read']);
		expect(await readsOf(there, sessions.at(-60))).toEqual([]);
		expect(await readsOf(there, sessions[0])).toEqual(['read']);
		expect(await readsOf(there, usual)).toEqual(['read']);
	});

	it('and one that says as much as fits is sealed: ids have at most 2,048 characters', async () => {
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
