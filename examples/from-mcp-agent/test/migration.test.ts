import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Plugin } from 'esbuild';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { connect } from '../client/check.ts';
import { deleteOldObjects } from '../scripts/delete-old-objects.ts';
import type { DeleteOptions } from '../scripts/delete-old-objects.ts';

const ORPHANS = 22;
const ADMIN_TOKEN = 'an-admin-token';
const vars = {
	ACCESS_TOKENS: '{"ada-token":"ada","bob-token":"bob"}',
	ADMIN_TOKEN,
	TMCP_SESSION_KEYS: `${crypto.randomUUID()}-${crypto.randomUUID()}`,
};
const folder = mkdtempSync(join(tmpdir(), 'from-mcp-agent-'));
const shared = { workers: ['counter'], kvNamespaces: [], vars, storagePath: folder } as const;

/** Bundles what dependencies of `agents` require without `node:`, as wrangler does. */
const nodeModules: Plugin = {
	name: 'node-modules',
	setup(build) {
		build.onResolve({ filter: /^[a-z_/]+$/ }, ({ path, kind }) =>
			kind === 'require-call' && builtinModules.includes(path)
				? { path, namespace: 'node-module' }
				: undefined,
		);
		build.onLoad({ filter: /.*/, namespace: 'node-module' }, ({ path }) => ({
			contents: `export * from 'node:${path}'; export { default } from 'node:${path}';`,
		}));
	},
};

let workers: Workers<'counter'>;
let api: Server;
/** The session ids of McpAgent. */
const old = { ada: ['', ''], bob: '' };
const cursors: (string | null)[] = [];
const mcp = (): URL => new URL('/mcp', workers.url('counter'));

beforeAll(async () => {
	await createOldObjects();
	workers = await startWorkers({
		...shared,
		entry: join(import.meta.dirname, '../src/index.ts'),
		durableObjects: { COUNTER: 'Counter', SESSIONS: 'CounterSession' },
	});
	api = createServer((request, response) => {
		const { searchParams } = new URL(request.url ?? '', 'http://localhost');
		cursors.push(searchParams.get('cursor'));
		list(Number(searchParams.get('cursor')), Number(searchParams.get('limit'))).then(
			(page) => response.end(JSON.stringify(page)),
			(error: unknown) => response.writeHead(500).end(String(error)),
		);
	}).listen(0);
});
afterAll(async () => {
	await workers.stop();
	api.close();
	rmSync(folder, { recursive: true, force: true });
});

/** Runs the old Worker: two sessions of Ada and one of Bob have counted, the others have no state. */
async function createOldObjects(): Promise<void> {
	const before = await startWorkers({
		...shared,
		entry: join(import.meta.dirname, '../before/index.ts'),
		durableObjects: { COUNTER: 'Counter' },
		plugins: [nodeModules],
	});
	const url = new URL('/mcp', before.url('counter'));
	const open = async (user: string, counts: number): Promise<string> => {
		const client = await connect(url, user);
		for (let count = 1; count <= counts; count += 1) expect(await client.count()).toBe(count);
		await client.close();
		return client.sessionId;
	};
	old.ada = [await open('ada', 2), await open('ada', 3)];
	old.bob = await open('bob', 4);
	for (let orphan = 0; orphan < ORPHANS; orphan += 1) await open('ada', 0);
	await before.stop();
}

/** Lists the old objects as Cloudflare's API does. */
async function list(start: number, limit: number): Promise<object> {
	const ids = (await workers.miniflare.listDurableObjectIds('Counter', 'counter')).toSorted();
	const next = start + limit;
	return {
		success: true,
		result: ids.slice(start, next).map((id) => ({ id, hasStoredData: true })),
		result_info: { cursor: next < ids.length ? String(next) : '' },
	};
}

/** Sends a request of an old session, as a client does that does not know of the move. */
async function callOldSession(sessionId: string, user: string): Promise<number> {
	const { status } = await fetch(mcp(), {
		method: 'POST',
		headers: {
			authorization: `Bearer ${user}-token`,
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			'mcp-session-id': sessionId,
			'mcp-protocol-version': '2025-11-25',
		},
		body: JSON.stringify({
			jsonrpc: '2.0',
			id: 1,
			method: 'tools/call',
			params: { name: 'count' },
		}),
	});
	return status;
}

async function count(user: string): Promise<number> {
	const client = await connect(mcp(), user);
	try {
		return await client.count();
	} finally {
		await client.close();
	}
}

function run(options: Partial<DeleteOptions> = {}): ReturnType<typeof deleteOldObjects> {
	// Safe because it listens.
	const { port } = api.address() as AddressInfo;
	cursors.length = 0;
	return deleteOldObjects({
		listUrl: `http://localhost:${port}/objects`,
		apiToken: 'an-api-token',
		retireUrl: new URL('/old-objects', workers.url('counter')).href,
		adminToken: ADMIN_TOKEN,
		mode: 'dry-run',
		perSecond: 1_000,
		progressFile: join(folder, 'progress.json'),
		pageSize: 10,
		batchSize: 5,
		log: () => {},
		...options,
	});
}

it('reads the state of an old session once, when its client comes back', async () => {
	expect(await callOldSession(old.ada[0] ?? '', 'ada')).toBe(404);
	expect(await count('ada')).toBe(3);
	expect(await callOldSession(old.ada[0] ?? '', 'ada')).toBe(404);
	expect(await count('ada')).toBe(4);
	expect(await callOldSession(old.ada[1] ?? '', 'ada')).toBe(404);
	expect(await count('ada')).toBe(8);
});

it('gives no state to another user', async () => {
	expect(await callOldSession(old.bob, 'ada')).toBe(404);
	expect(await count('ada')).toBe(9);
});

it('deletes nothing in a dry run, and nothing without the token', async () => {
	expect(await run()).toEqual({ empty: 2, kept: 1, deleted: ORPHANS });
	expect(await run()).toEqual({ empty: 2, kept: 1, deleted: ORPHANS });
	await expect(run({ adminToken: 'another' })).rejects.toThrow('answered with 401');
});

it('deletes orphans in batches, goes on after an interruption, and keeps what is in use', async () => {
	const real = globalThis.fetch;
	let batches = 0;
	// The connection is lost in the middle of the second page.
	globalThis.fetch = (input, init) => {
		if (init?.method === 'POST') batches += 1;
		return batches === 4 ? Promise.reject(new Error('connection lost')) : real(input, init);
	};
	await expect(run({ mode: 'orphans' })).rejects.toThrow('connection lost');
	globalThis.fetch = real;
	expect(cursors).toEqual([null, '10']);

	const counts = await run({ mode: 'orphans' });
	expect(cursors).toEqual(['10', '20']);
	const { deleted = 0, empty = 0, kept } = counts;
	expect(kept).toBe(1);
	// Objects of the interrupted page are visited again.
	expect(deleted + empty).toBe(ORPHANS + 2);
	expect(await run()).toEqual({ empty: ORPHANS + 2, kept: 1 });

	expect(await count('ada')).toBe(10);
	expect(await callOldSession(old.bob, 'bob')).toBe(404);
	expect(await count('bob')).toBe(5);
	expect(await run({ mode: 'all' })).toEqual({ empty: ORPHANS + 3 });
});
