import { McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createKey } from '../src/keys/create-key.ts';
import { probe } from '../src/index.ts';
import type { CheckResult, ProbeOptions, ProbeReport } from '../src/index.ts';
import { createServer } from './fixture/create-server.ts';
import { startNodeServer } from './node-server.ts';

const fixture = (name: string): string =>
	fileURLToPath(new URL(`fixture/${name}.ts`, import.meta.url));
const quick: ProbeOptions = {
	streamMs: 500,
	timeoutMs: 5_000,
	latencySamples: 5,
	changeTool: { name: 'announce', arguments: {} },
};

function statuses({ results }: ProbeReport): Record<string, CheckResult['status']> {
	return Object.fromEntries(results.map(({ check, status }) => [check, status]));
}

function faults({ results }: ProbeReport): string[] {
	return results
		.filter(({ status }) => status === 'failed' || status === 'warned')
		.map(({ check, message }) => `${check}: ${message}`);
}

function adviceOf({ results }: ProbeReport, name: string): string {
	const { cause, fix } = results.find(({ check }) => check === name) ?? {};
	return `${cause}. ${fix}`;
}

const ALL_PASSED = {
	'session-handshake': 'passed',
	'stateless-handshake': 'passed',
	'tools-list': 'passed',
	'session-across-connections': 'passed',
	'unknown-session': 'passed',
	'missing-session': 'passed',
	'session-stream': 'passed',
	subscription: 'passed',
	change: 'passed',
	task: 'skipped',
	'foreign-origin': 'passed',
	browser: 'skipped',
	latency: 'passed',
	'end-of-session': 'passed',
};

describe('on Node.js, in memory', () => {
	it('passes every check, with a task and a page of a browser', async () => {
		const origin = 'https://app.example';
		const mcp = createMcpHandler(createServer(), {
			info: new StoredInfoSessionManager(new InMemorySessionStore()),
			tasks: new InMemoryTasks({ tools: { report: { pollSeconds: 1 } } }),
			cors: origin,
		});
		const server = await startNodeServer((request) => mcp.fetch(request));
		const report = await probe(server.url, {
			...quick,
			origin,
			taskTool: { name: 'report', arguments: {} },
		});
		await server.stop();
		expect(faults(report)).toEqual([]);
		expect(statuses(report)).toEqual({ ...ALL_PASSED, task: 'passed', browser: 'passed' });
		expect(report).toMatchObject({ status: 'passed', platform: 'this machine' });
	});
});

describe('on Node.js, with the transport of the official SDK without session ids', () => {
	it('reports that sessions are missing, and that no change arrives', async () => {
		const server = await startNodeServer(async (request) => {
			const mcp = new McpServer({ name: 'sdk', version: '1.0.0' });
			mcp.registerTool('announce', { description: 'Announces a change of the tools' }, () => {
				mcp.sendToolListChanged();
				return { content: [{ type: 'text', text: 'announced' }] };
			});
			const transport = new WebStandardStreamableHTTPServerTransport({
				sessionIdGenerator: undefined,
			});
			await mcp.connect(transport);
			return transport.handleRequest(request);
		});
		const report = await probe(server.url, quick);
		await server.stop();
		expect(faults(report)).toEqual([
			'session-handshake: sdk 1.0.0 answered with 2025-11-25 and gave no session id',
			'change: a change did not arrive on the stream of a session: nothing arrived in time',
			'foreign-origin: a page of any web site may send requests',
		]);
		expect(adviceOf(report, 'session-handshake')).toMatch(
			/^the server is stateless: it forgets client info.*otherwise let the server open sessions$/,
		);
		expect(adviceOf(report, 'change')).toContain(
			'let the server open sessions, or do not declare listChanged',
		);
		expect(statuses(report)).toMatchObject({
			'session-across-connections': 'skipped',
			'unknown-session': 'skipped',
			'end-of-session': 'skipped',
		});
	});
});

describe('on Node.js, in the memory of two processes', () => {
	it('reports that the process that did not open a session does not know it', async () => {
		const sessionKeys = [createKey()];
		const [first, second] = [1, 2].map(() =>
			createMcpHandler(createServer(), {
				sessionKeys,
				info: new StoredInfoSessionManager(new InMemorySessionStore()),
			}),
		);
		// Spreads requests as a load balancer does.
		let count = 0;
		const server = await startNodeServer((request) =>
			Promise.resolve((count++ % 2 === 0 ? first : second)?.fetch(request) ?? Response.error()),
		);
		const report = await probe(server.url, quick);
		await server.stop();
		const unknown =
			'404 with the error -32001: The session is unknown or has ended; open a new one with initialize';
		expect(faults(report)).toEqual([
			`tools-list: tools/list in a session was answered with ${unknown}`,
			`session-across-connections: 6 of 12 other connections could not use the session: ping was answered with ${unknown}`,
			`change: a change did not arrive on the stream of a session: the tool was answered with ${unknown}`,
		]);
		const cause = 'the session is known only to the isolate or process that opened it';
		expect(adviceOf(report, 'tools-list')).toContain(cause);
		expect(adviceOf(report, 'session-across-connections')).toContain(cause);
		expect(adviceOf(report, 'change')).toContain('mend what the checks above found');
	});
});

describe('on an example', () => {
	const example = (name: string): string =>
		fileURLToPath(new URL(`../../../examples/${name}/src/index.ts`, import.meta.url));

	it('passes on examples/worker', async () => {
		const workers = await startWorkers({
			workers: ['main'],
			entry: example('worker'),
			durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', NOTEBOOK: 'Notebook' },
		});
		const report = await probe(new URL('/mcp', workers.url('main')), {
			...quick,
			changeTool: { name: 'announce_change', arguments: { what: 'tools' } },
		});
		await workers.stop();
		expect(faults(report)).toEqual([]);
		expect(statuses(report)).toEqual(ALL_PASSED);
	});

	it('passes on examples/minimal, which announces no changes', async () => {
		const workers = await startWorkers({
			workers: ['main'],
			entry: example('minimal'),
			durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer' },
			kvNamespaces: ['TMCP_SESSION_INFO'],
		});
		const report = await probe(new URL('/mcp', workers.url('main')), {
			...quick,
			changeTool: undefined,
		});
		await workers.stop();
		expect(faults(report)).toEqual([]);
		expect(statuses(report)).toEqual({ ...ALL_PASSED, change: 'skipped' });
	});

	it('passes on examples/session-object, with a token', async () => {
		const workers = await startWorkers({
			workers: ['main'],
			entry: example('session-object'),
			durableObjects: { NOTES: 'Notes' },
			kvNamespaces: [],
			r2Buckets: ['ARCHIVE'],
			vars: {
				ACCESS_TOKENS: JSON.stringify({ token: { workspace: 'anna', client: 'laptop' } }),
				TMCP_AUTH_KEYS: createKey(),
			},
		});
		const report = await probe(new URL('/mcp', workers.url('main')), {
			...quick,
			headers: { authorization: 'Bearer token' },
			changeTool: undefined,
		});
		await workers.stop();
		expect(faults(report)).toEqual([]);
	});

	it('passes on examples/tasks, which has no sessions', async () => {
		const workers = await startWorkers({
			workers: ['main'],
			entry: example('tasks'),
			durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
			kvNamespaces: [],
		});
		const { status } = await probe(new URL('/mcp', workers.url('main')), {
			...quick,
			changeTool: undefined,
		});
		await workers.stop();
		expect(status).toBe('passed');
	});
});

describe('on workerd', () => {
	let workers: Workers<'objects' | 'ours' | 'upstream' | 'sdk'>;

	beforeAll(async () => {
		workers = await startWorkers({
			workers: ['objects', 'ours', 'upstream', 'sdk'],
			entry: {
				objects: fixture('objects'),
				ours: fixture('kv-and-durable-object'),
				upstream: fixture('upstream'),
				sdk: fixture('official-sdk'),
			},
			durableObjects: {
				TMCP_DURABLE_OBJECT: 'SyncLayer',
				UPSTREAM_DURABLE_OBJECT: 'UpstreamSyncLayer',
			},
			kvNamespaces: ['TMCP_SESSION_INFO', 'UPSTREAM_SESSION_INFO'],
			onLog: () => {},
		});
	});
	afterAll(() => workers.stop());

	it('passes every check over KV and Durable Objects', async () => {
		const report = await probe(new URL('/mcp', workers.url('ours')), quick);
		expect(faults(report)).toEqual([]);
		expect(statuses(report)).toEqual(ALL_PASSED);
	});

	it('reports the faults of @tmcp/session-manager-durable-objects in plain words', async () => {
		const report = await probe(new URL('/mcp', workers.url('upstream')), quick);
		expect(report.status).toBe('failed');
		expect(faults(report)).toEqual([
			'unknown-session: a request with a forged session id was answered with 200 and a result',
			'missing-session: a message without a session id was answered with 200',
			expect.stringMatching(
				/^session-stream: a client that lost its stream cannot open it again: 409 with the error/,
			),
			expect.stringMatching(
				/^subscription: a subscription was acknowledged and ended after \d+ ms$/,
			),
			expect.stringMatching(
				/^change: a change did not arrive on the stream of a session: it was refused/,
			),
			'foreign-origin: a page of any web site may send requests',
			'end-of-session: after DELETE had ended the session, a message got 200 instead of 404',
		]);
	});

	it('names the section of the specification for each fault of @tmcp/session-manager-durable-objects', async () => {
		const { results } = await probe(new URL('/mcp', workers.url('upstream')), quick);
		const sections = results.flatMap(({ check, specification }) =>
			specification === undefined ? [] : `${check}: ${specification.split('/specification/')[1]}`,
		);
		expect(sections).toEqual([
			'unknown-session: 2025-11-25/basic/transports#session-management',
			'missing-session: 2025-11-25/basic/transports#session-management',
			'session-stream: 2025-11-25/basic/transports#listening-for-messages-from-the-server',
			'subscription: 2026-07-28/basic/patterns/subscriptions#receiving-notifications',
			'change: 2025-11-25/server/tools#list-changed-notification',
			'foreign-origin: 2025-11-25/basic/transports#security-warning',
			'end-of-session: 2025-11-25/basic/transports#session-management',
		]);
	});

	it('reports what a stateless server of the official SDK lacks', async () => {
		const report = await probe(new URL('/mcp', workers.url('sdk')), quick);
		expect(report.status).toBe('failed');
		expect(faults(report)).toEqual([
			'session-handshake: sdk 1.0.0 answered with 2025-11-25 and gave no session id',
			'session-stream: the server declares tools.listChanged, but refuses every stream (405)',
			expect.stringMatching(/^change: a change did not arrive on the stream of a session/),
			'foreign-origin: a page of any web site may send requests',
		]);
	});
});
