import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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
		console.error(JSON.stringify(report, undefined, 1));
		expect(report.status).toBe('failed');
	});

	it('reports what a stateless server of the official SDK lacks', async () => {
		const report = await probe(new URL('/mcp', workers.url('sdk')), quick);
		console.error(JSON.stringify(report, undefined, 1));
		expect(report.status).toBe('failed');
	});
});
