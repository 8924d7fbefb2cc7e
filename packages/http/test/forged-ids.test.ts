import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { ManualClock, seededRandom } from '@tmcp-sessions/testkit';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import { McpServer } from 'tmcp';
import { beforeAll, describe, expect, it } from 'vitest';

import { countOperations } from './counted-operations.ts';
import type { Operation } from './counted-operations.ts';
import { forgeries } from './forgeries.ts';
import { INITIALIZE, internalIdOf, URL_OF_MCP } from './local-handler.ts';

const KEY = 'the-key-of-this-deployment-long-enough';
const DROPPED_KEY = 'a-key-that-this-deployment-has-dropped';
const FOREIGN_KEY = 'the-key-of-another-deployment-long-too';
const ALICE = { 'x-user': 'alice', 'x-client': 'browser' };
const DAY_MS = 24 * 60 * 60 * 1000;
/** Attempts with each of the ten kinds of invalid id. */
const ATTEMPTS = 10_000;
/** Concurrent requests. */
const BATCH = 100;
/** Sessions opened for each kind that needs real ids; each id is sent with every kind of request. */
const SESSIONS = ATTEMPTS / 10;

type Headers = Readonly<Record<string, string>>;

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
const random = seededRandom(seed);
const clock = new ManualClock();
const operations: Operation[] = [];
const errors: Error[] = [];
// Shared by all deployments: an id is rejected because it is invalid, not because its record is missing.
const store = new InMemorySessionStore({ now: clock.now });
const mcp = deployment(KEY);

function deployment(key: string): McpHandler {
	const onError = (error: Error): void => void errors.push(error);
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{
			adapter: undefined,
			capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
		},
	);
	return createMcpHandler(server, {
		sessionKeys: [key],
		info: new StoredInfoSessionManager(countOperations(store, operations), {
			now: clock.now,
			onError,
		}),
		streams: countOperations(new InMemoryStreamSessionManager(), operations),
		subscriptions: countOperations(new InMemorySubscriptionManager(), operations),
		principal: ({ headers }) => ({
			subject: headers.get('x-user') ?? '',
			client: headers.get('x-client') ?? '',
		}),
		onError,
	});
}

async function openSessions(
	count: number,
	at: McpHandler = mcp,
	caller: Headers = ALICE,
): Promise<string[]> {
	const open = async (): Promise<string> => {
		const response = await at.fetch(new Request(URL_OF_MCP, post(INITIALIZE, caller)));
		await response.text();
		const session = response.headers.get('mcp-session-id');
		if (session === null) throw new Error(`expected a session; found ${response.status}`);
		return session;
	};
	return Promise.all(Array.from({ length: count }, open));
}

function post(message: object, headers: Headers): RequestInit {
	return {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...headers },
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	};
}

/** Every kind of request that names a session. */
const REQUESTS: readonly ((headers: Headers) => RequestInit)[] = [
	...[
		{ id: 1, method: 'tools/list' },
		{ id: 1, method: 'logging/setLevel', params: { level: 'debug' } },
		{ id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } },
		{ method: 'notifications/initialized' },
		{ method: 'notifications/cancelled', params: { requestId: 1 } },
		{ id: 1, result: {} },
	].map((message) => (headers: Headers) => post(message, headers)),
	(headers) => ({ method: 'GET', headers }),
	(headers) => ({ method: 'DELETE', headers }),
];

/** Sends one kind of request with this session id. */
async function attempt(id: string, kind: number, caller: Headers = ALICE): Promise<Response> {
	const init = REQUESTS[kind % REQUESTS.length]?.({ ...caller, 'mcp-session-id': id });
	return mcp.fetch(new Request(URL_OF_MCP, init));
}

/** Sends all ids; expects that each is rejected and costs at most these operations. */
async function expectRejections(
	ids: readonly string[],
	statuses: readonly number[],
	allowed: readonly string[],
): Promise<void> {
	for (let from = 0; from < ids.length; from += BATCH) {
		const batch = ids.slice(from, from + BATCH);
		operations.length = 0;
		await Promise.all(
			batch.map(async (id, index) => {
				// Each repetition of an id gets another kind of request.
				const kind = from + index + Math.floor((from + index) / SESSIONS);
				const response = await attempt(id, kind);
				const received = `${await response.text()}${[...response.headers].join()}`;
				if (!statuses.includes(response.status) || (id.length > 8 && received.includes(id))) {
					expect.fail(`SEED=${seed} ${JSON.stringify(id)}: ${response.status} ${received}`);
				}
			}),
		);
		const costs = operations.map(({ name, subject }) => `${name} ${String(subject)}`);
		const names = batch.map(internalIdOf);
		const budget = new Set(names.flatMap((id) => allowed.map((name) => `${name} ${id}`)));
		if (costs.length > batch.length * allowed.length || costs.some((cost) => !budget.has(cost))) {
			expect.fail(`SEED=${seed}: ${costs.join('\n')}`);
		}
	}
}

describe('100,000 invalid session ids', { timeout: 60_000 }, () => {
	let live: string[];
	let expired: string[];
	let tried = 0;

	const repeated = (ids: readonly string[]): string[] =>
		Array.from({ length: ATTEMPTS }, (_, index) => ids[index % ids.length] ?? '');

	const expectAllRejected = async (
		ids: readonly string[],
		statuses: readonly number[],
		allowed: readonly string[] = [],
	): Promise<void> => {
		expect(ids).toHaveLength(ATTEMPTS);
		await expectRejections(ids, statuses, allowed);
		tried += ids.length;
	};

	beforeAll(async () => {
		console.log(`forged ids: SEED=${seed}`);
		expired = await openSessions(SESSIONS);
		clock.advance(DAY_MS);
		live = await openSessions(SESSIONS);
	});

	it.each(Object.entries(forgeries))(
		'rejects %s without any storage operation',
		async (_, forge) => {
			const liveIds = new Set(live);
			const ids: string[] = [];
			while (ids.length < ATTEMPTS) {
				const id = forge(live, random);
				if (!liveIds.has(id)) ids.push(id);
			}
			await expectAllRejected(ids, [400, 404]);
		},
	);

	it.each([
		['another deployment', () => openSessions(SESSIONS, deployment(FOREIGN_KEY))],
		['a dropped key', () => openSessions(SESSIONS, deployment(DROPPED_KEY))],
		['another user', () => openSessions(SESSIONS, mcp, { ...ALICE, 'x-user': 'bob' })],
		['another client of the same user', () => openSessions(SESSIONS, mcp, { 'x-user': 'alice' })],
	])('responds 404 to live ids of %s without any storage operation', async (_, open) => {
		await expectAllRejected(repeated(await open()), [404]);
	});

	it('responds 404 to ids of ended sessions with at most one read', async () => {
		const ended = await openSessions(SESSIONS);
		const end = REQUESTS.length - 1;
		for (const id of ended) expect((await attempt(id, end)).status).toBe(200);
		await expectAllRejected(repeated(ended), [404], ['read']);
	});

	it('responds 404 to ids of expired sessions with at most one read', async () => {
		await expectAllRejected(repeated(expired), [404], ['read']);
	});

	it('still serves every live session afterwards, and reports no error', async () => {
		expect(tried).toBe(100_000);
		operations.length = 0;
		for (const [index, id] of live.entries()) {
			// The last kind would end the session.
			const response = await attempt(id, index % (REQUESTS.length - 1));
			expect([200, 202]).toContain(response.status);
			await response.body?.cancel();
		}
		expect(operations.filter(({ name }) => name === 'read')).toHaveLength(live.length);
		expect(errors).toEqual([]);
	});
});
