import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import { sign as signToken } from 'hono/jwt';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkGuestbook, sign } from '../client/check.ts';
import { endpoint, Visitor } from './visitor.ts';
import type { Isolates } from './visitor.ts';

const run = promisify(execFile);
const inspector = join(
	dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
	'clients/launcher/build/index.js',
);

const DOOR = 'door://front';
const RESOURCE = 'https://door.example/mcp';
const SECRET = 'a secret that only the tests know';
const now = Math.floor(Date.now() / 1000);

let serial = 0;
/** Issues a token as an authorization server would; no two are equal. */
function issueToken(sub: string, claims: object = {}, secret = SECRET): Promise<string> {
	const jti = String((serial += 1));
	const all = { sub, client_id: 'cli', aud: RESOURCE, exp: now + 600, jti, ...claims };
	return signToken(all, secret, 'HS256');
}

let workers: Isolates;
const log: string[] = [];

interface SentRequest {
	readonly isolate?: 'a' | 'b';
	readonly method?: string;
	readonly token?: string;
	readonly sessionId?: string;
}

/** Sends one request; a POST sends a ping. */
function send({
	isolate = 'b',
	method = 'POST',
	token,
	sessionId,
}: SentRequest): Promise<Response> {
	return fetch(endpoint(workers, isolate), {
		method,
		headers: {
			accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
			'mcp-protocol-version': '2025-06-18',
			...(method === 'POST' && { 'content-type': 'application/json' }),
			...(token !== undefined && { authorization: `Bearer ${token}` }),
			...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
		},
		...(method === 'POST' && { body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' }),
		signal: AbortSignal.timeout(5_000),
	});
}

async function statusOf(sent: SentRequest): Promise<number> {
	const response = await send(sent);
	await response.body?.cancel();
	return response.status;
}

beforeAll(async () => {
	workers = await startWorkers({
		entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
		workers: ['a', 'b'],
		durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', GUESTBOOK: 'Guestbook' },
		vars: { JWT_SECRET: SECRET, MCP_RESOURCE: RESOURCE },
		onLog: (line) => log.push(line),
	});
});
afterAll(async () => {
	await workers.stop();
	expect(log.filter((line) => /error|warn/i.test(line))).toEqual([]);
});

describe('without a valid token', () => {
	it.each(['POST', 'GET', 'DELETE'])('a %s returns 401 with a Bearer challenge', async (method) => {
		const response = await send({ method });
		await response.body?.cancel();
		expect(response.status).toBe(401);
		expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
	});

	it.each([
		{ what: 'signed with another secret', token: () => issueToken('alice', {}, `${SECRET}!`) },
		{ what: 'that has expired', token: () => issueToken('alice', { exp: now - 1 }) },
		{ what: 'without an expiry', token: () => issueToken('alice', { exp: undefined }) },
		{
			what: 'for another server',
			token: () => issueToken('alice', { aud: 'https://else.example' }),
		},
		{ what: 'without a subject', token: () => issueToken('alice', { sub: undefined }) },
		{ what: 'without a client id', token: () => issueToken('alice', { client_id: undefined }) },
	])('a token $what returns 401', async ({ token }) => {
		expect(await statusOf({ token: await token() })).toBe(401);
	});

	it('other routes of the app respond', async () => {
		expect((await fetch(workers.url('a'))).status).toBe(200);
	});
});

it.each([
	{
		path: '/mcp',
		offered: { tools: ['whoami', 'ring'], resources: [DOOR], templates: [] },
	},
	{ path: '/guestbook', offered: { tools: ['sign'] } },
])(
	'$path lists everything to the official clients and the Inspector',
	async ({ path, offered }) => {
		const headers = { authorization: `Bearer ${await issueToken('erin')}` };
		const url = new URL(path, workers.url('a'));
		const listings = await listWithOfficialClients(url, offered, { headers });
		for (const [client, listing] of Object.entries(listings)) {
			expect(listing, client).toEqual(offered);
		}
	},
	60_000,
);

describe('a session object mounted in the app', () => {
	it.each(['a', 'b'] as const)('passes the checks of the client on isolate %s', async (isolate) => {
		const checks = await checkGuestbook(workers.url(isolate), (user) => issueToken(user));
		expect(checks.filter(({ holds }) => !holds)).toEqual([]);
		expect(checks).toHaveLength(4);
	});

	it('keeps its count across isolates and after eviction', async () => {
		const signOn = (isolate: 'a' | 'b', token: string): Promise<unknown> =>
			sign(new URL('/guestbook', workers.url(isolate)), token);
		expect(await signOn('a', await issueToken('dora'))).toBe('visit 1 of dora');
		expect(await signOn('b', await issueToken('dora'))).toBe('visit 2 of dora');
		expect(await workers.evict({ className: 'Guestbook' })).toBeGreaterThan(0);
		expect(await signOn('b', await issueToken('dora'))).toBe('visit 3 of dora');
	});

	it("responds to the MCP Inspector's CLI", async () => {
		const header = `Authorization: Bearer ${await issueToken('carol')}`;
		const url = new URL('/guestbook', workers.url('a')).href;
		const call = ['--method', 'tools/call', '--tool-name', 'sign'];
		const all = [inspector, '--cli', url, '--transport', 'http', '--header', header, ...call];
		const { stdout } = await run(process.execPath, all, { timeout: 25_000 });
		expect(JSON.parse(stdout)).toMatchObject({ content: [{ text: 'visit 1 of carol' }] });
	});
});

describe("alice's session", () => {
	let alice: Visitor;

	beforeAll(async () => {
		alice = new Visitor(workers, await issueToken('alice'));
		await alice.open();
		expect(await alice.streamOpened).toBe(200);
		await alice.client.subscribeResource({ uri: DOOR });
	});
	afterAll(() => alice.client.close());

	/** Rings on isolate B, where her stream is not, and expects the update. */
	async function expectUpdate(): Promise<void> {
		const before = alice.updates.length;
		expect(await alice.call('b', 'ring')).toBe('rang');
		await expect.poll(() => alice.updates.length).toBe(before + 1);
	}

	it('is known on both isolates, and tools read the caller', async () => {
		expect(await alice.call('a', 'whoami')).toBe('alice through cli');
		expect(await alice.call('b', 'whoami')).toBe('alice through cli');
	});

	it('receives on A an update raised on B', () => expectUpdate());

	it.each([
		{ who: 'bob', token: () => issueToken('bob') },
		{
			who: 'another client of the same user',
			token: () => issueToken('alice', { client_id: 'web' }),
		},
	])('returns 404 to $who with its id, and stays open', async ({ token }) => {
		const foreign = { token: await token(), sessionId: alice.sessionId };
		for (const isolate of ['a', 'b'] as const) {
			for (const method of ['POST', 'GET', 'DELETE']) {
				expect(await statusOf({ ...foreign, isolate, method }), `${method} on ${isolate}`).toBe(
					404,
				);
			}
		}
		await expectUpdate();
	});

	it('returns 401 without a token, even with its id', async () => {
		for (const method of ['POST', 'GET', 'DELETE']) {
			expect(await statusOf({ method, sessionId: alice.sessionId })).toBe(401);
		}
		await expectUpdate();
	});

	it('accepts a new token for calls, the open stream and a new stream', async () => {
		const { sessionId, token: before } = alice;
		alice.token = await issueToken('alice');
		expect(alice.token).not.toBe(before);
		expect(await alice.call('a', 'whoami')).toBe('alice through cli');
		expect(alice.sessionId).toBe(sessionId);
		await expectUpdate();

		const stream = await send({ method: 'GET', token: alice.token, sessionId });
		expect(stream.status).toBe(200);
		await alice.call('a', 'ring');
		await expectToRead(stream, DOOR);
	});

	it('returns 404 on both isolates after DELETE', async () => {
		const { token, sessionId } = alice;
		expect(await statusOf({ method: 'DELETE', token, sessionId })).toBeLessThan(300);
		for (const isolate of ['a', 'b'] as const) {
			expect(await statusOf({ isolate, token, sessionId })).toBe(404);
		}
	});
});

async function expectToRead(stream: Response, text: string): Promise<void> {
	let received = '';
	for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
		received += chunk;
		if (received.includes(text)) break;
	}
	expect(received).toContain(text);
}

it('a 2026-07-28 client needs a token too, and tools read the caller', async () => {
	const token = await issueToken('alice');
	let sent: string | undefined = token;
	const client = new Client(
		{ name: 'stateless', version: '1.0.0' },
		{ versionNegotiation: { mode: { pin: '2026-07-28' } } },
	);
	await client.connect(
		new StreamableHTTPClientTransport(endpoint(workers, 'a'), {
			fetch: (url, init) => {
				const headers = new Headers(init?.headers);
				if (sent !== undefined) headers.set('authorization', `Bearer ${sent}`);
				return fetch(url, { ...init, headers });
			},
		}),
	);
	const { content } = await client.callTool({ name: 'whoami', arguments: {} });
	expect(content).toEqual([{ type: 'text', text: 'alice through cli' }]);
	sent = undefined;
	await expect(client.callTool({ name: 'whoami', arguments: {} })).rejects.toThrow('Unauthorized');
	await client.close();
});
