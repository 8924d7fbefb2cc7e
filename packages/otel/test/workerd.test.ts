import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const entry = fileURLToPath(new URL('fixture/worker.ts', import.meta.url));
const INITIALIZE = {
	method: 'initialize',
	params: {
		protocolVersion: '2025-06-18',
		capabilities: {},
		clientInfo: { name: 'client', version: '1.0.0' },
	},
};

interface Observed {
	readonly published: readonly { readonly name: string; readonly event: object }[];
	readonly spans: readonly {
		readonly name: string;
		readonly parent?: string;
		readonly id: string;
	}[];
}

describe.each(workerdVersions)('on workerd %s', { timeout: 30_000 }, (version) => {
	let workers: Workers<'a'>;

	beforeAll(async () => {
		workers = await startWorkers({
			entry,
			workers: ['a'],
			version,
			kvNamespaces: ['TMCP_SESSION_INFO'],
			durableObjects: { TMCP_SESSION_SHARD: 'SessionShard', SESSIONS: 'Session' },
		});
	}, 30_000);
	afterAll(() => workers.stop());

	async function send(path: string, message: object, session?: string): Promise<Response> {
		const response = await fetch(new URL(path, workers.url('a')), {
			method: 'POST',
			headers: {
				accept: 'application/json, text/event-stream',
				'content-type': 'application/json',
				...(session !== undefined && { 'mcp-session-id': session }),
			},
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
		});
		await response.text();
		return response;
	}

	/** Returns what the isolate has observed since the last time. */
	let seen = { published: 0, spans: 0 };
	async function observed(): Promise<Observed> {
		const response = await fetch(new URL('/observed', workers.url('a')));
		const { published, spans } = (await response.json()) as Observed; // Safe because the fixture returns it.
		const latest = { published: published.slice(seen.published), spans: spans.slice(seen.spans) };
		seen = { published: published.length, spans: spans.length };
		return latest;
	}

	it.each([
		['kv', ['info-kv']],
		['durable-object', ['info-durable-object']],
		['session-object', []],
	])('observes a session of the deployment %s once', async (deployment, stores) => {
		const path = `/${deployment}`;
		const session = (await send(path, INITIALIZE)).headers.get('mcp-session-id') ?? '';
		await send(path, { method: 'tools/call', params: { name: 'quick' } }, session);
		await send(path, { method: 'ping' }, `${session}x`);
		await fetch(new URL(path, workers.url('a')), {
			method: 'DELETE',
			headers: { 'mcp-session-id': session },
		});
		const { published, spans } = await observed();
		const eventsOf = (wanted: string): object[] =>
			published.filter(({ name }) => name === wanted).map(({ event }) => event);
		expect(eventsOf('request')).toMatchObject([
			{ method: 'initialize', outcome: 'ok' },
			{ method: 'tools/call', name: 'quick', outcome: 'ok' },
		]);
		expect(eventsOf('session')).toMatchObject([{ action: 'opened' }, { action: 'ended' }]);
		expect(eventsOf('rejection')).toMatchObject([{ status: 404, errorCode: -32001 }]);
		const packages = eventsOf('storage').map(
			(event) => 'packageName' in event && event.packageName,
		);
		expect([...new Set(packages)]).toEqual(stores);
		const called = spans.find(({ name }) => name === 'tools/call quick');
		expect(spans.map(({ name }) => name)).toEqual(['initialize', 'inner', 'tools/call quick']);
		expect(spans.find(({ name }) => name === 'inner')?.parent).toBe(called?.id);
	});
});
