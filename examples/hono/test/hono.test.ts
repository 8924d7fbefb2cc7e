import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
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
const SECRET = 'a secret that is known to the tests alone';
const now = Math.floor(Date.now() / 1000);

let serial = 0;
/** A token as an authorization server would issue it: no two are the same. */
function tokenOf(sub: string, claims: object = {}, secret = SECRET): Promise<string> {
	const jti = String((serial += 1));
	const all = { sub, client_id: 'cli', aud: RESOURCE, exp: now + 600, jti, ...claims };
	return signToken(all, secret, 'HS256');
}

let workers: Isolates;
const log: string[] = [];

interface Sent {
	readonly isolate?: 'a' | 'b';
	readonly method?: string;
	readonly token?: string;
	readonly sessionId?: string;
}

/** One request as it is: a ping, where it is a POST. */
function send({ isolate = 'b', method = 'POST', token, sessionId }: Sent): Promise<Response> {
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

async function statusOf(sent: Sent): Promise<number> {
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

describe('without a good token', () => {
	it.each(['POST', 'GET', 'DELETE'])(
		'a %s is a 401 that asks for a bearer token',
		async (method) => {
			const response = await send({ method });
			await response.body?.cancel();
			expect(response.status).toBe(401);
			expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
		},
	);

	it.each([
		{ what: 'signed with another secret', token: () => tokenOf('alice', {}, `${SECRET}!`) },
		{ what: 'that has expired', token: () => tokenOf('alice', { exp: now - 1 }) },
		{ what: 'that never expires', token: () => tokenOf('alice', { exp: undefined }) },
		{ what: 'for another server', token: () => tokenOf('alice', { aud: 'https://else.example' }) },
		{ what: 'of no user', token: () => tokenOf('alice', { sub: undefined }) },
		{ what: 'of no client', token: () => tokenOf('alice', { client_id: undefined }) },
	])('a token $what is a 401', async ({ token }) => {
		expect(await statusOf({ token: await token() })).toBe(401);
	});

	it('the rest of the app answers', async () => {
		expect((await fetch(workers.url('a'))).status).toBe(200);
	});
});

describe('a server in an object, mounted in the app', () => {
	it.each(['a', 'b'] as const)(
		'the checking client sees what it should in isolate %s',
		async (isolate) => {
			const checks = await checkGuestbook(workers.url(isolate), (user) => tokenOf(user));
			expect(checks.filter(({ holds }) => !holds)).toEqual([]);
			expect(checks).toHaveLength(4);
		},
	);

	it('remembers its callers in whatever isolate, and when its object was lost', async () => {
		const signed = (isolate: 'a' | 'b', token: string): Promise<unknown> =>
			sign(new URL('/guestbook', workers.url(isolate)), token);
		expect(await signed('a', await tokenOf('dora'))).toBe('visit 1 of dora');
		expect(await signed('b', await tokenOf('dora'))).toBe('visit 2 of dora');
		expect(await workers.evict({ className: 'Guestbook' })).toBeGreaterThan(0);
		expect(await signed('b', await tokenOf('dora'))).toBe('visit 3 of dora');
	});

	it("is called by the MCP Inspector's CLI", async () => {
		const header = `Authorization: Bearer ${await tokenOf('carol')}`;
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
		alice = new Visitor(workers, await tokenOf('alice'));
		await alice.open();
		expect(await alice.streamOpened).toBe(200);
		await alice.client.subscribeResource({ uri: DOOR });
	});
	afterAll(() => alice.client.close());

	/** Rings in the isolate that her stream is not in. */
	async function expectToHear(): Promise<void> {
		const heard = alice.updates.length;
		expect(await alice.call('b', 'ring')).toBe('rang');
		await expect.poll(() => alice.updates.length, { timeout: 5_000 }).toBe(heard + 1);
	}

	it('is known in both isolates, and tools see who calls', async () => {
		expect(await alice.call('a', 'whoami')).toBe('alice through cli');
		expect(await alice.call('b', 'whoami')).toBe('alice through cli');
	});

	it('hears on A what was rung on B', () => expectToHear());

	it.each([
		{ who: 'bob', token: () => tokenOf('bob') },
		{ who: 'another client of hers', token: () => tokenOf('alice', { client_id: 'web' }) },
	])('is a 404 to $who, who has its id, and lives on', async ({ token }) => {
		const stolen = { token: await token(), sessionId: alice.sessionId };
		for (const isolate of ['a', 'b'] as const) {
			for (const method of ['POST', 'GET', 'DELETE']) {
				expect(await statusOf({ ...stolen, isolate, method }), `${method} on ${isolate}`).toBe(404);
			}
		}
		await expectToHear();
	});

	it('is a 401 without a token, although the id is right', async () => {
		for (const method of ['POST', 'GET', 'DELETE']) {
			expect(await statusOf({ method, sessionId: alice.sessionId })).toBe(401);
		}
		await expectToHear();
	});

	it('goes on with a new token: calls, the open stream, and a new one', async () => {
		const { sessionId, token: before } = alice;
		alice.token = await tokenOf('alice');
		expect(alice.token).not.toBe(before);
		expect(await alice.call('a', 'whoami')).toBe('alice through cli');
		expect(alice.sessionId).toBe(sessionId);
		await expectToHear();

		const stream = await send({ method: 'GET', token: alice.token, sessionId });
		expect(stream.status).toBe(200);
		await alice.call('a', 'ring');
		await expectToRead(stream, DOOR);
	});

	it('is a 404 in both isolates once she has ended it', async () => {
		const { token, sessionId } = alice;
		expect(await statusOf({ method: 'DELETE', token, sessionId })).toBeLessThan(300);
		for (const isolate of ['a', 'b'] as const) {
			expect(await statusOf({ isolate, token, sessionId })).toBe(404);
		}
	});
});

async function expectToRead(stream: Response, text: string): Promise<void> {
	let read = '';
	for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
		read += chunk;
		if (read.includes(text)) break;
	}
	expect(read).toContain(text);
}

it('a client of 2026-07-28 needs a token too, and tools see who calls', async () => {
	const token = await tokenOf('alice');
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
