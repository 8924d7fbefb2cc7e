import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const LIST = { id: 1, method: 'tools/list' };
const FORGED = `1.${'a'.repeat(32)}.${'b'.repeat(42)}A`;

const tests = (deployment: Deployment): void => {
	it('L1 unguessable-session-id, L2 ascii-session-id: ids are visible ASCII, never the same, and random in more than 128 bits', async () => {
		const { here } = deployment.endpoint();
		const ids = await Promise.all(Array.from({ length: 60 }, () => here.initialize()));
		expect(new Set(ids).size).toBe(ids.length);
		expect(ids.filter((id) => !/^[\x21-\x7e]+$/.test(id))).toEqual([]);
		// 60 ids show some 38 of 64 characters in a place that is random, 6 bits each.
		const charactersAt = (place: number): number => new Set(ids.map((id) => id[place])).size;
		const places = Array.from({ length: ids[0]?.length ?? 0 }, (_, place) => place);
		expect(places.filter((place) => charactersAt(place) > 20).length).toBeGreaterThan(128 / 6);
	});

	it.each([
		['a space', 'a b'],
		['a tab', 'a\tb'],
		['a letter that is not ASCII', 'sessão'],
	])('L2 ascii-session-id: an id with %s is a 400 on POST, GET and DELETE', async (_, id) => {
		const { here, there } = deployment.endpoint();
		const refusal = { status: 400, says: /session/i, hides: id };
		await expectRefusal(here.post(LIST, id), refusal);
		await expectRefusal(there.openStream(id), refusal);
		await expectRefusal(here.endSession(id), refusal);
	});

	it.each([
		['a request', LIST],
		['a ping', { id: 1, method: 'ping' }],
		['a notification', { method: 'notifications/initialized' }],
		['a response', { id: 1, result: {} }],
	])('L3 session-id-required: %s without a session id is a 400', async (_, message) => {
		const { here } = deployment.endpoint();
		const refusal = { status: 400, says: /Mcp-Session-Id/i };
		const { headers } = await here.post(message);
		expect(headers).not.toHaveProperty('mcp-session-id');
		await expectRefusal(here.post(message), refusal);
	});

	it('L3 session-id-required: a GET without a session id is a 400', async () => {
		const { here } = deployment.endpoint();
		await expectRefusal(here.openStream(), { status: 400, says: /Mcp-Session-Id/i });
	});

	it('L5 no-session-fixation: initialize gives out a new id in the place of one that the client chose', async () => {
		const { here, there } = deployment.endpoint();
		for (const chosen of ['my-own-id', FORGED]) {
			const session = await here.with({ 'mcp-session-id': chosen }).initialize();
			expect(session).not.toBe(chosen);
			expect(await there.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			await expectRefusal(there.post(LIST, chosen), { status: 404, hides: chosen });
		}
	});

	it('L5 no-session-fixation: initialize with the id of a living session opens another one and leaves the first', async () => {
		const { here, there } = deployment.endpoint();
		const first = await here.initialize();
		const second = await there.with({ 'mcp-session-id': first }).initialize();
		expect(second).not.toBe(first);
		expect(await here.call('echo', first, { text: 'one' })).toContain('echo: one');
		expect(await here.call('echo', second, { text: 'two' })).toContain('echo: two');
	});

	describe('L5 no-session-fixation: an id that was never given out is a 404', () => {
		it.each([
			['made up', () => 'made-up'],
			['forged in the right form', () => FORGED],
			['a path', () => '../../etc/passwd'],
			['cut short', (id: string) => id.slice(0, -1)],
			['with more to it', (id: string) => `${id}A`],
			['with another end', (id: string) => `${id.slice(0, -1)}${id.endsWith('A') ? 'E' : 'A'}`],
			['with another beginning', (id: string) => `${id.startsWith('2') ? '3' : '2'}${id.slice(1)}`],
			['with a fragment', (id: string) => `${id}#x`],
		])('%s', async (_, change) => {
			const { here, there } = deployment.endpoint();
			const id = change(await here.initialize());
			const refusal = { status: 404, says: /initialize/, hides: id };
			for (const endpoint of [here, there]) {
				await expectRefusal(endpoint.post(LIST, id), refusal);
				await expectRefusal(endpoint.openStream(id), refusal);
				await expectRefusal(endpoint.endSession(id), refusal);
			}
		});
	});
};

describeEachDeployment(tests, { concurrent: true });
