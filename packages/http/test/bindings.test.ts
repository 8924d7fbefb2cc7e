import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DevWorker, LOCAL, PUBLIC } from './dev-worker.ts';

const ENTRY = 'misbound-worker.ts';
const TEMPORARY = 503;

const SYNC_LAYER = `  "durable_objects": { "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }] },
  "migrations": [{ "tag": "<a new tag>", "new_sqlite_classes": ["SyncLayer"] }]`;

describe('bindings that are missing or of another kind', () => {
	const worker = new DevWorker(ENTRY);
	beforeAll(() =>
		worker.start({
			durableObjects: {},
			kvNamespaces: [],
			vars: { TMCP_SESSION_INFO: 'hush-hush' },
		}),
	);
	afterAll(() => worker.stop());

	it('fail every method with one message of all problems, in development', async () => {
		const answers = await Promise.all(
			['POST', 'GET', 'DELETE'].map((method) => worker.fetch(method, LOCAL, '/kv')),
		);
		for (const { message, status } of answers) {
			expect(status).toBe(500);
			expect(message).toContain(
				'- the binding TMCP_DURABLE_OBJECT must be a Durable Object namespace; got undefined\n' +
					'- the binding TMCP_SESSION_INFO must be a Workers KV namespace; got a string\n',
			);
			expect(message).toContain(
				`\n  "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }],\n${SYNC_LAYER}\n`,
			);
			expect(message).toContain(
				"export { SyncLayer } from '@tmcp-sessions/streams-durable-object';",
			);
			expect(message).toContain(
				'"exports": { "SyncLayer": { "type": "durable-object", "storage": "sqlite" } }',
			);
			expect(message).not.toContain('hush-hush');
		}
	});

	it('fail elsewhere without a word about the deployment', async () => {
		for (const method of ['POST', 'GET', 'DELETE']) {
			const { message, status } = await worker.fetch(method, PUBLIC, '/kv');
			expect([status, message]).toEqual([
				500,
				'The server is misconfigured; its log says how to fix it',
			]);
		}
	});

	it.each([
		['objects', ['TMCP_DURABLE_OBJECT', 'TMCP_SESSION_SHARD']],
		['cached', ['TMCP_DURABLE_OBJECT', 'TMCP_SESSION_INFO', 'TMCP_SESSION_SHARD']],
		['split', ['TMCP_DURABLE_OBJECT', 'TMCP_SESSION_INFO', 'TMCP_SESSION_SHARD']],
		['sealed', ['TMCP_DURABLE_OBJECT', 'TMCP_SESSION_SHARD']],
		['sse', ['TMCP_DURABLE_OBJECT', 'TMCP_SESSION_INFO']],
		['router', ['SESSIONS']],
	])('are all named for the managers of %s', async (name, bindings) => {
		const { message, status } = await worker.fetch('POST', LOCAL, `/${name}`);
		expect(status).toBe(500);
		const named = [...message.matchAll(/the binding (\w+) must be/g)].map(([, found]) => found);
		expect(named.toSorted((one = '', other = '') => one.localeCompare(other))).toEqual(bindings);
		if (bindings.includes('TMCP_SESSION_SHARD')) {
			expect(message).toContain('"new_sqlite_classes": ["SyncLayer", "SessionShard"]');
		}
	});

	it('are logged once for an isolate', async () => {
		for (let count = 0; count < 3; count++) await worker.fetch('POST', LOCAL, '/kv');
		const logged = worker.lines.filter(
			(line) => line.includes('TMCP_SESSION_INFO must') && !line.includes('TMCP_SESSION_SHARD'),
		);
		expect(logged).toHaveLength(1);
	});
});

describe('a namespace of another class of this family', () => {
	const worker = new DevWorker(ENTRY);
	beforeAll(() =>
		worker.start({
			durableObjects: { TMCP_DURABLE_OBJECT: 'SessionShard', TMCP_SESSION_SHARD: 'SyncLayer' },
		}),
	);
	afterAll(() => worker.stop());

	it('is found by the first request', async () => {
		const { message, status } = await worker.fetch('POST', LOCAL, '/objects');
		expect(status).toBe(500);
		expect(message).toContain(
			'- the binding TMCP_DURABLE_OBJECT must be a namespace of SyncLayer; got one of SessionShard\n' +
				'- the binding TMCP_SESSION_SHARD must be a namespace of SessionShard; got one of SyncLayer\n',
		);
	});
});

describe('a namespace of an unrelated class', () => {
	const worker = new DevWorker(ENTRY);
	beforeAll(() =>
		worker.start({
			durableObjects: {
				TMCP_DURABLE_OBJECT: 'Unrelated',
				TMCP_SESSION_SHARD: 'Unrelated',
				SESSIONS: 'Unrelated',
			},
		}),
	);
	afterAll(() => worker.stop());

	it('is a mistake and not an outage, for streams', async () => {
		const { session = '' } = await worker.fetch('POST', LOCAL, '/kv');
		for (const method of ['GET', 'DELETE']) {
			const { message, status } = await worker.fetch(method, LOCAL, '/kv', session);
			expect(status).not.toBe(TEMPORARY);
			expect([status, message]).toEqual([
				500,
				expect.stringContaining(
					'the binding TMCP_DURABLE_OBJECT must be a namespace of SyncLayer; got one of another class',
				),
			]);
		}
	});

	it.each([
		['/objects', 'TMCP_SESSION_SHARD must be a namespace of SessionShard'],
		['/router', 'SESSIONS must be a namespace of YourSessionObject'],
	])('is a mistake and not an outage, at %s', async (path, expected) => {
		const { message, status } = await worker.fetch('POST', LOCAL, path);
		expect([status, message]).toEqual([500, expect.stringContaining(expected)]);
	});
});

describe('a class without SQLite', () => {
	const worker = new DevWorker(ENTRY);
	beforeAll(() =>
		worker.start({
			durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', TMCP_SESSION_SHARD: 'SessionShard' },
			keyValueClasses: ['SyncLayer', 'SessionShard'],
		}),
	);
	afterAll(() => worker.stop());

	it('is explained at the first use of its storage, once in the log', async () => {
		const { session = '' } = await worker.fetch('POST', LOCAL, '/kv');
		const answers = [
			await worker.fetch('GET', LOCAL, '/kv', session),
			await worker.fetch('GET', LOCAL, '/kv', session),
			await worker.fetch('POST', LOCAL, '/objects'),
		];
		for (const { message, status } of answers) {
			expect([status, message]).toEqual([
				500,
				expect.stringMatching(
					/must be a namespace of (S\w+) with SQLite; got a class without it, from "new_classes" .*list it in "new_sqlite_classes" instead\. .*"class_name": "Sqlite\1" .*"new_sqlite_classes": \["Sqlite\1"\].*export { \1 as Sqlite\1 } from/s,
				),
			]);
		}
		const logged = worker.lines.filter((line) => /SyncLayer with SQLite/.test(line));
		expect(logged).toHaveLength(1);
	});
});
