import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const LIST = { id: 1, method: 'tools/list' };
const FORGED = `1.${'a'.repeat(32)}.${'b'.repeat(42)}A`;

const tests = (deployment: Deployment): void => {
	it('L1 unguessable-session-id, L2 ascii-session-id: issues unique ids of visible ASCII with more than 128 random bits', async () => {
		const { isolateA } = deployment.endpoint();
		const ids = await Promise.all(Array.from({ length: 60 }, () => isolateA.initialize()));
		expect(new Set(ids).size).toBe(ids.length);
		expect(ids.filter((id) => !/^[\x21-\x7e]+$/.test(id))).toEqual([]);
		// At a random position of 6 bits, 60 ids show about 38 of the 64 characters.
		const charactersAt = (place: number): number => new Set(ids.map((id) => id[place])).size;
		const places = Array.from({ length: ids[0]?.length ?? 0 }, (_, place) => place);
		expect(places.filter((place) => charactersAt(place) > 20).length).toBeGreaterThan(128 / 6);
	});

	it.each([
		['a space', 'a b'],
		['a tab', 'a\tb'],
		['a non-ASCII letter', 'sessão'],
	])(
		'L2 ascii-session-id: rejects an id with %s with 400 on POST, GET and DELETE',
		async (_, id) => {
			const { isolateA, isolateB } = deployment.endpoint();
			const rejection = { status: 400, message: /session/i, omits: id };
			await expectRejection(isolateA.post(LIST, id), rejection);
			await expectRejection(isolateB.openStream(id), rejection);
			await expectRejection(isolateA.endSession(id), rejection);
		},
	);

	it.each([
		['a request', LIST],
		['a ping', { id: 1, method: 'ping' }],
		['a notification', { method: 'notifications/initialized' }],
		['a response', { id: 1, result: {} }],
	])('L3 session-id-required: rejects %s without a session id with 400', async (_, message) => {
		const { isolateA } = deployment.endpoint();
		const rejection = { status: 400, message: /Mcp-Session-Id/i };
		const { headers } = await isolateA.post(message);
		expect(headers).not.toHaveProperty('mcp-session-id');
		await expectRejection(isolateA.post(message), rejection);
	});

	it('L3 session-id-required: rejects a GET without a session id with 400', async () => {
		const { isolateA } = deployment.endpoint();
		await expectRejection(isolateA.openStream(), { status: 400, message: /Mcp-Session-Id/i });
	});

	it('L5 no-session-fixation: ignores a session id that the client sends with initialize', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		for (const chosen of ['my-own-id', FORGED]) {
			const session = await isolateA.with({ 'mcp-session-id': chosen }).initialize();
			expect(session).not.toBe(chosen);
			expect(await isolateB.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			await expectRejection(isolateB.post(LIST, chosen), { status: 404, omits: chosen });
		}
	});

	it('L5 no-session-fixation: opens a second session on initialize with the id of an open one, which stays open', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const first = await isolateA.initialize();
		const second = await isolateB.with({ 'mcp-session-id': first }).initialize();
		expect(second).not.toBe(first);
		expect(await isolateA.call('echo', first, { text: 'one' })).toContain('echo: one');
		expect(await isolateA.call('echo', second, { text: 'two' })).toContain('echo: two');
	});

	describe('L5 no-session-fixation: rejects with 404 an id that is', () => {
		it.each([
			['invented', () => 'made-up'],
			['forged in the correct format', () => FORGED],
			['a path', () => '../../etc/passwd'],
			['truncated', (id: string) => id.slice(0, -1)],
			['extended', (id: string) => `${id}A`],
			[
				'changed in its last character',
				(id: string) => `${id.slice(0, -1)}${id.endsWith('A') ? 'E' : 'A'}`,
			],
			[
				'changed in its first character',
				(id: string) => `${id.startsWith('2') ? '3' : '2'}${id.slice(1)}`,
			],
			['followed by a fragment', (id: string) => `${id}#x`],
		])('%s', async (_, change) => {
			const { isolateA, isolateB } = deployment.endpoint();
			const id = change(await isolateA.initialize());
			const rejection = { status: 404, message: /initialize/, omits: id };
			for (const endpoint of [isolateA, isolateB]) {
				await expectRejection(endpoint.post(LIST, id), rejection);
				await expectRejection(endpoint.openStream(id), rejection);
				await expectRejection(endpoint.endSession(id), rejection);
			}
		});
	});
};

describeEachDeployment(tests, { concurrent: true });
