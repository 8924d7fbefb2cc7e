import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploy, passwords } from './deployment.ts';
import type { Deployment } from './deployment.ts';
import type { Isolate } from './front-door.ts';
import { Visitor } from './visitor.ts';

const DOOR = 'door://front';

let deployment: Deployment;
let alice: Visitor;

beforeAll(async () => {
	deployment = await deploy();
	alice = await authorizedVisitor('alice');
	await alice.open();
	expect(await alice.streamOpened).toBe(200);
	await alice.client.subscribeResource({ uri: DOOR });
});
afterAll(async () => {
	await alice.client.close();
	await deployment.stop();
	// The provider logs a warning for each rejected request; the handler must log nothing.
	expect(deployment.log.filter((line) => /error/i.test(line) && !/OAuth error/.test(line))).toEqual(
		[],
	);
});

/** Returns a client that this user has granted access; `registered` shares its registration. */
async function authorizedVisitor(
	name: keyof typeof passwords,
	registered?: Visitor,
): Promise<Visitor> {
	const visitor = new Visitor(deployment.door);
	visitor.credentials.client = registered?.credentials.client;
	await visitor.authorize(name, passwords[name]);
	return visitor;
}

interface SentRequest {
	readonly isolate?: Isolate;
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
	deployment.door.onDuty = isolate;
	return fetch(new URL('/mcp', deployment.door.origin), {
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

/** Rings on isolate B, where the stream is not, and expects the update. */
async function expectUpdate(): Promise<void> {
	const before = alice.updates.length;
	expect(await alice.call('b', 'ring')).toBe('rang');
	await expect.poll(() => alice.updates.length).toBe(before + 1);
}

/** Sets the expiry of this user's access tokens in the provider's storage to the past. */
async function expireAccessTokens(userId: string): Promise<void> {
	const kv = await deployment.workers.miniflare.getKVNamespace('OAUTH_KV', 'a');
	const { keys } = await kv.list({ prefix: `token:${userId}:` });
	expect(keys.length).toBeGreaterThan(0);
	for (const { name } of keys) {
		const record = JSON.parse((await kv.get(name, 'text')) ?? '');
		await kv.put(name, JSON.stringify({ ...record, expiresAt: record.createdAt - 1 }));
	}
}

async function expectChallenge(token: string | undefined): Promise<void> {
	for (const method of ['POST', 'GET', 'DELETE']) {
		const response = await send({ method, sessionId: alice.sessionId, ...(token && { token }) });
		await response.body?.cancel();
		expect(response.status, method).toBe(401);
		expect(response.headers.get('www-authenticate')).toContain(
			`resource_metadata="${deployment.door.origin}/.well-known/oauth-protected-resource/mcp"`,
		);
	}
}

describe('a session of a user and a client', () => {
	it('is known on both isolates, and tools read its owner', async () => {
		expect(await alice.call('a', 'whoami')).toBe(`alice through ${alice.clientId}`);
		expect(await alice.call('b', 'whoami')).toBe(`alice through ${alice.clientId}`);
	});

	it('receives on A an update raised on B', () => expectUpdate());

	it('can be opened by a page of another origin, which reads its id', async () => {
		const clientInfo = { name: 'page', version: '1.0.0' };
		const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
		const response = await fetch(new URL('/mcp', deployment.door.origin), {
			method: 'POST',
			headers: {
				accept: 'application/json',
				'content-type': 'application/json',
				authorization: `Bearer ${alice.accessToken}`,
				origin: 'https://app.example',
			},
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
		});
		await response.body?.cancel();
		expect(response.status).toBe(200);
		expect(response.headers.get('access-control-allow-origin')).toMatch(
			/^(\*|https:\/\/app\.example)$/,
		);
		expect(response.headers.get('access-control-expose-headers')).toContain('Mcp-Session-Id');
	});

	it.each([
		{ who: 'another user of the same client', enter: () => authorizedVisitor('bob', alice) },
		{ who: 'another user of another client', enter: () => authorizedVisitor('bob') },
		{ who: 'another client of the same user', enter: () => authorizedVisitor('alice') },
	])('returns 404 to $who with its id, and stays open', async ({ enter }) => {
		const { accessToken: token } = await enter();
		// The token is valid: without a session id the request is a 400, not a 401.
		expect(await statusOf({ token })).toBe(400);
		for (const isolate of ['a', 'b'] as const) {
			for (const method of ['POST', 'GET', 'DELETE']) {
				const foreign = { isolate, method, token, sessionId: alice.sessionId };
				expect(await statusOf(foreign), `${method} on ${isolate}`).toBe(404);
			}
		}
		await expectUpdate();
	});
});

it('lists everything to the official clients and the Inspector', async () => {
	const { accessToken: token } = await authorizedVisitor('bob');
	const offered = { tools: ['whoami', 'ring'], resources: [DOOR], templates: [] };
	const headers = { authorization: `Bearer ${token}` };
	const url = new URL('/mcp', deployment.door.origin);
	const listings = await listWithOfficialClients(url, offered, { headers });
	for (const [client, listing] of Object.entries(listings)) {
		expect(listing, client).toEqual(offered);
	}
}, 60_000);

describe('without a valid token', () => {
	it('a request returns 401 with the resource metadata', () => expectChallenge(undefined));

	it.each([
		{ what: 'expired', invalidate: () => expireAccessTokens('alice') },
		{ what: 'was revoked', invalidate: () => revoke(alice.accessToken) },
	])(
		'a token that $what returns 401; the client refreshes it and keeps its session',
		async ({ invalidate }) => {
			const { sessionId, accessToken: before } = alice;
			await invalidate();
			await expectChallenge(before);

			// The official client refreshes the token itself; the new one has the same owner.
			expect(await alice.call('b', 'whoami')).toBe(`alice through ${alice.clientId}`);
			expect(alice.accessToken).not.toBe(before);
			expect(alice.sessionId).toBe(sessionId);
			await expectUpdate();
		},
	);

	// From here on the first stream receives nothing: messages go to the newest stream of a session.
	it('a stream opened with a refreshed token receives updates', async () => {
		const { accessToken: token, sessionId } = alice;
		const stream = await send({ isolate: 'a', method: 'GET', token, sessionId });
		expect(stream.status).toBe(200);
		expect(await alice.call('b', 'ring')).toBe('rang');
		await expectToRead(stream, DOOR);
	});

	// The provider revokes the first grant, and so the tokens of the first client.
	it('the session continues after a new grant for the same client', async () => {
		const { sessionId } = alice;
		const { accessToken: token } = await authorizedVisitor('alice', alice);
		for (const isolate of ['a', 'b'] as const) {
			expect(await statusOf({ isolate, token, sessionId })).toBe(200);
		}
	});
});

/** Revokes a token, as a client does when its user signs out. */
async function revoke(token: string): Promise<void> {
	const body = new URLSearchParams({ token, client_id: alice.clientId });
	const response = await fetch(new URL('/token', deployment.door.origin), { method: 'POST', body });
	expect(response.status).toBe(200);
}

async function expectToRead(stream: Response, text: string): Promise<void> {
	let received = '';
	for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
		received += chunk;
		if (received.includes(text)) break;
	}
	expect(received).toContain(text);
}
