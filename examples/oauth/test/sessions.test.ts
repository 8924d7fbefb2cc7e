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
	alice = await visitor('alice');
	await alice.open();
	expect(await alice.streamOpened).toBe(200);
	await alice.client.subscribeResource({ uri: DOOR });
});
afterAll(async () => {
	await alice.client.close();
	await deployment.stop();
	// The provider warns of each request that it refuses; the handler has nothing to say.
	expect(deployment.log.filter((line) => /error/i.test(line) && !/OAuth error/.test(line))).toEqual(
		[],
	);
});

/** A program that this user has let in, for instance one that is registered already. */
async function visitor(name: keyof typeof passwords, registered?: Visitor): Promise<Visitor> {
	const made = new Visitor(deployment.door);
	made.credentials.client = registered?.credentials.client;
	await made.authorize(name, passwords[name]);
	return made;
}

interface Sent {
	readonly isolate?: Isolate;
	readonly method?: string;
	readonly token?: string;
	readonly sessionId?: string;
}

/** One request as it is: a ping, where it is a POST. */
function send({ isolate = 'b', method = 'POST', token, sessionId }: Sent): Promise<Response> {
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

async function statusOf(sent: Sent): Promise<number> {
	const response = await send(sent);
	await response.body?.cancel();
	return response.status;
}

/** Rings in the isolate that the stream is not in. */
async function expectToHear(): Promise<void> {
	const heard = alice.updates.length;
	expect(await alice.call('b', 'ring')).toBe('rang');
	await expect.poll(() => alice.updates.length, { timeout: 5_000 }).toBe(heard + 1);
}

/** Puts the end of this user's access tokens into the past, where the provider keeps it. */
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
	it('is known in both isolates, and tools see whose it is', async () => {
		expect(await alice.call('a', 'whoami')).toBe(`alice through ${alice.clientId}`);
		expect(await alice.call('b', 'whoami')).toBe(`alice through ${alice.clientId}`);
	});

	it('hears on A what was rung on B', () => expectToHear());

	it.each([
		{ who: 'another user of the same client', enter: () => visitor('bob', alice) },
		{ who: 'another user of another client', enter: () => visitor('bob') },
		{ who: 'another client of the same user', enter: () => visitor('alice') },
	])('is a 404 to $who, who has its id, and lives on', async ({ enter }) => {
		const { accessToken: token } = await enter();
		// The token is good: it is the session that is somebody else's.
		expect(await statusOf({ token })).toBe(400);
		for (const isolate of ['a', 'b'] as const) {
			for (const method of ['POST', 'GET', 'DELETE']) {
				const stolen = { isolate, method, token, sessionId: alice.sessionId };
				expect(await statusOf(stolen), `${method} on ${isolate}`).toBe(404);
			}
		}
		await expectToHear();
	});
});

describe('without a good token', () => {
	it('a request is a 401 that says where to get one', () => expectChallenge(undefined));

	it.each([
		{ what: 'expired', end: () => expireAccessTokens('alice') },
		{ what: 'was revoked', end: () => revoke(alice.accessToken) },
	])(
		'a token that $what is a 401; the client gets another, and the session goes on with the same id',
		async ({ end }) => {
			const { sessionId, accessToken: before } = alice;
			await end();
			await expectChallenge(before);

			// The official client refreshes by itself. The new token carries what the old one did.
			expect(await alice.call('b', 'whoami')).toBe(`alice through ${alice.clientId}`);
			expect(alice.accessToken).not.toBe(before);
			expect(alice.sessionId).toBe(sessionId);
			await expectToHear();
		},
	);

	// After this her first stream hears no more: messages go to the newest stream of a session.
	it('a stream that is opened with a refreshed token hears too', async () => {
		const { accessToken: token, sessionId } = alice;
		const stream = await send({ isolate: 'a', method: 'GET', token, sessionId });
		expect(stream.status).toBe(200);
		expect(await alice.call('b', 'ring')).toBe('rang');
		await expectToRead(stream, DOOR);
	});

	// The provider ends her first grant then, and with it the tokens of her client.
	it('the session goes on too when the user lets the same client in anew', async () => {
		const { sessionId } = alice;
		const { accessToken: token } = await visitor('alice', alice);
		for (const isolate of ['a', 'b'] as const) {
			expect(await statusOf({ isolate, token, sessionId })).toBe(200);
		}
	});
});

/** As a client does that its user signs out of. */
async function revoke(token: string): Promise<void> {
	const body = new URLSearchParams({ token, client_id: alice.clientId });
	const response = await fetch(new URL('/token', deployment.door.origin), { method: 'POST', body });
	expect(response.status).toBe(200);
}

async function expectToRead(stream: Response, text: string): Promise<void> {
	let read = '';
	for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
		read += chunk;
		if (read.includes(text)) break;
	}
	expect(read).toContain(text);
}
