import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startWorking } from './working-workers.ts';

const ROUNDS = 10;

describe.each(workerdVersions)('two Workers on workerd %s', (version) => {
	let workers: Workers<'a' | 'b'>;
	beforeAll(async () => {
		workers = await startWorking(version);
	}, 60_000);
	afterAll(() => workers.stop());

	const objects = async (): Promise<number> =>
		(await workers.miniflare.listDurableObjectIds('WorkingSession', 'a')).length;

	async function post(
		worker: 'a' | 'b',
		path: string,
		message: object,
		headers: Record<string, string>,
	): Promise<{ session: string; text: string }> {
		const response = await fetch(new URL(path, workers.url(worker)), {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
				...headers,
			},
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
		});
		const text = await response.text();
		expect(response.status, text).toBe(200);
		return { session: response.headers.get('mcp-session-id') ?? '', text };
	}

	const initialize = {
		method: 'initialize',
		params: {
			protocolVersion: '2025-11-25',
			capabilities: {},
			clientInfo: { name: 'racing', version: '1' },
		},
	};
	const count = (to: number): object => ({
		method: 'tools/call',
		params: { name: 'count', arguments: { to } },
	});

	it('that route concurrent first initialize requests of an identity use one object with four sessions', async () => {
		const before = await objects();
		for (let round = 1; round <= ROUNDS; round++) {
			const team = { 'x-team': `team ${round}` };
			const opened = await Promise.all(
				(['a', 'b', 'a', 'b'] as const).map((worker) => post(worker, '/teams', initialize, team)),
			);
			expect(await objects()).toBe(before + round);
			expect(new Set(opened.map(({ session }) => session)).size).toBe(4);
			// Each session reads what the previous one has stored, through the other Worker.
			for (const [index, { session }] of opened.entries()) {
				const headers = { ...team, 'mcp-session-id': session };
				const worker = index % 2 === 0 ? 'b' : 'a';
				const { text } = await post(worker, '/teams', count(index + 1), headers);
				expect(text).toContain(`"text":"${index}"`);
			}
		}
	});

	it('that route the same initialize request without an identity open two separate sessions', async () => {
		const before = await objects();
		const opened = await Promise.all(
			(['a', 'b'] as const).map((worker) => post(worker, '/mcp', initialize, {})),
		);
		expect(await objects()).toBe(before + 2);
		for (const [index, { session }] of opened.entries()) {
			const headers = { 'mcp-session-id': session };
			const { text } = await post(index === 0 ? 'b' : 'a', '/mcp', count(7), headers);
			expect(text).toContain('"text":"0"');
		}
	});
});
