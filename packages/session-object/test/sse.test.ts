import { objectName, createSessionRouter } from '@tmcp-sessions/session-object';
import { createLegacySse } from '@tmcp-sessions/http/legacy-sse';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import {
	internalIdOf,
	journaledCalls,
	objectCount,
	objectOf,
	tablesOf,
} from './fixture/objects.ts';
import { SseClient } from './fixture/sse-client.ts';
import { Stream } from './fixture/stream.ts';
import { testState } from './fixture/test-session.ts';
import type { TestSession } from './fixture/test-session.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const PING = { id: 1, method: 'ping' };
/** After this time an ended session is deleted, and a session whose Worker was lost is ended. */
const MINUTE_MS = 61_000;

afterEach(() => {
	testState.settings = undefined;
	testState.skewMs = 0;
	testState.newTool = false;
	testState.resumed.length = 0;
	testState.errors.length = 0;
});

describe('a session of the legacy SSE transport', () => {
	it('has its own object and state', async () => {
		const [one, other] = [await SseClient.open(), await SseClient.open()];
		await one.initialize();
		await other.initialize();
		expect(await one.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(await one.call('list_notes')).toBe('["milk"]');
		expect(await other.call('list_notes')).toBe('[]');
	});

	it('receives the progress of a call in order and before the response', async () => {
		const client = await SseClient.open();
		const params = { name: 'progress', arguments: {}, _meta: { progressToken: 'p' } };
		await client.answer(await client.start('tools/call', params));
		const received = [...client.text.matchAll(/"progress":(\d+)|"(result)"/g)].map(
			([, progress, result]) => result ?? Number(progress),
		);
		expect(received).toEqual([...Array.from({ length: 20 }, (_, index) => index + 1), 'result']);
	});

	it('responds to a server request of its tool, which other sessions cannot', async () => {
		const [client, stranger] = [await SseClient.open(), await SseClient.open()];
		await client.initialize();
		const call = await client.start('tools/call', { name: 'ask', arguments: {} });
		await client.until('elicitation/create');
		const serverRequest = client.messages.find(({ method }) => method === 'elicitation/create');
		await stranger.send({ id: serverRequest?.id, result: { action: 'accept', content: {} } });
		const accepted = await client.send({ id: serverRequest?.id, result: { action: 'decline' } });
		expect(accepted.status).toBe(202);
		expect((await client.answer(call)).result?.content?.[0]?.text).toBe('decline');
	});

	it('continues after an eviction of its object while its stream is open', async () => {
		const client = await SseClient.open();
		await client.initialize();
		await client.call('add_note', { text: 'milk' });
		const before = testState.instances;
		await evictDurableObject(objectOf(client));
		expect(await client.call('list_notes')).toBe('["milk"]');
		expect(testState.instances).toBe(before + 1);
		expect(new Set(client.eventIds).size).toBe(client.eventIds.length);
	});

	it('is notified once after a deployment changes its tools', async () => {
		const client = await SseClient.open();
		await client.initialize();
		testState.newTool = true;
		await evictDurableObject(objectOf(client));
		expect(await client.call('new')).toBe('new');
		await client.until(TOOLS_CHANGED);
		await client.call('list_notes');
		expect(client.messages.filter(({ method }) => method === TOOLS_CHANGED)).toHaveLength(1);
	});

	it('receives the response of a call that was resumed after its object was lost', async () => {
		const client = await SseClient.open();
		await recordInterruptedCall(client, 'the-call');
		await evictDurableObject(objectOf(client));
		await client.start('ping');
		await client.until('resumed slow');
		expect(client.text).toContain('"id":"the-call"');
		expect(await journaledCalls(client)).toEqual([]);
	});

	it(
		'ends with its stream: its socket is closed and its storage deleted',
		{ timeout: 20_000 },
		async () => {
			const client = await SseClient.open();
			await client.initialize();
			await client.call('add_note', { text: 'milk' });
			await client.disconnect();
			await expect.poll(async () => (await client.send(PING)).status).toBe(404);
			const sockets = (): Promise<number> =>
				runInDurableObject(
					objectOf(client),
					(_instance, state) =>
						state.getWebSockets().filter(({ readyState }) => readyState === 1).length,
				);
			await expect.poll(sockets).toBe(0);
			testState.skewMs = MINUTE_MS;
			await runDurableObjectAlarm(objectOf(client));
			expect(await tablesOf(objectOf(client))).toEqual([]);
			expect((await client.send(PING)).status).toBe(404);
			expect(await tablesOf(objectOf(client))).toEqual([]);
		},
	);
});

describe('a session of Streamable HTTP', () => {
	it('L16 responses-only-on-resume: does not receive the response of a lost call on its GET stream', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await recordInterruptedCall(client, 'the-call');
		await evictDurableObject(objectOf(client));
		await client.call('announce');
		await stream.until(TOOLS_CHANGED);
		await expect.poll(() => journaledCalls(client)).toEqual([]);
		expect(testState.resumed).toHaveLength(1);
		expect(stream.text).not.toContain('resumed');
	});
});

describe('an identity', () => {
	const headers = { authorization: 'shared/both' };

	it('has one object for its sessions of both transports, and notifies each of a change once', async () => {
		const old = await SseClient.open('/identity/sse', headers);
		await old.initialize();
		const current = await Client.open('/identity', headers);
		const stream = await Stream.open(current);
		await stream.until('\n\n');
		await old.call('add_note', { text: 'milk' });
		expect(await current.call('list_notes')).toBe('["milk"]');
		await old.call('announce');
		await stream.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
		expect(old.messages.filter(({ method }) => method === TOOLS_CHANGED)).toHaveLength(1);
	});

	it('keeps its state when a session ends, for the next session', { timeout: 20_000 }, async () => {
		const identity = { authorization: 'again/laptop' };
		const first = await SseClient.open('/identity/sse', identity);
		await first.call('add_note', { text: 'milk' });
		await first.disconnect();
		await expect.poll(async () => (await first.send(PING)).status).toBe(404);
		const next = await SseClient.open('/identity/sse', identity);
		expect(next.session).not.toBe(first.session);
		expect(await next.call('list_notes')).toBe('["milk"]');
	});

	it('gets a 404 and creates no object if it is missing or differs from that of the session', async () => {
		const client = await SseClient.open('/identity/sse', { authorization: 'own/one' });
		const before = await objectCount();
		expect((await SseClient.open('/identity/sse')).status).toBe(404);
		const other = { authorization: 'own/two' };
		expect((await client.send(PING, client.endpoint, other)).status).toBe(404);
		expect(await objectCount()).toBe(before);
		expect((await client.send(PING)).status).toBe(202);
	});
});

describe('the router starts no object for', () => {
	const message = (sessionId: string): string =>
		`/messages?sessionId=${encodeURIComponent(sessionId)}`;

	it.each([
		['no session id', '/messages', 400],
		['an empty session id', '/messages?sessionId=', 400],
		['an invented session id', message('1.abc.def'), 404],
		['a session id that is not ASCII', message('ü'), 404],
	])('a message with %s', async (_case, endpoint, status) => {
		const client = await SseClient.open();
		const before = [await objectCount(), testState.instances];
		expect((await client.send(PING, endpoint)).status).toBe(status);
		expect([await objectCount(), testState.instances]).toEqual(before);
	});

	it('a session id with the object id of another session', async () => {
		const [own, foreign] = [await SseClient.open(), await SseClient.open()];
		await evictDurableObject(objectOf(foreign));
		const before = testState.instances;
		const objectPart = foreign.session.slice(foreign.session.lastIndexOf('.'));
		const forged = own.session.slice(0, own.session.lastIndexOf('.')) + objectPart;
		expect((await own.send(PING, message(forged))).status).toBe(404);
		expect(testState.instances).toBe(before);
	});

	it('a session id of the other transport', async () => {
		const [old, current] = [await SseClient.open(), await Client.open()];
		expect((await old.send(PING, message(current.session ?? ''))).status).toBe(404);
		const client = new Client();
		client.session = old.session;
		expect((await client.request('tools/list')).status).toBe(404);
		expect((await client.send('GET')).status).toBe(404);
		expect((await client.send('DELETE')).status).toBe(404);
		expect((await old.send(PING)).status).toBe(202);
	});

	it('an invalid message, and a body over the size limit', async () => {
		const client = await SseClient.open();
		await evictDurableObject(objectOf(client));
		const before = testState.instances;
		expect((await client.send({ id: 1 })).status).toBe(400);
		expect((await client.send({ id: 1.5, method: 'ping' })).status).toBe(400);
		const large = { ...PING, params: { x: 'x'.repeat(5_000_000) } };
		expect((await client.send(large)).status).toBe(413);
		expect(testState.instances).toBe(before);
	});
});

describe('the loss of a Worker with an open stream', () => {
	/** Opens a stream as a Worker does, and loses the Worker. */
	const loseWorker = async (
		stub: DurableObjectStub<TestSession>,
		objectPer: 'identity' | 'session',
	): Promise<string> => {
		const session = crypto.randomUUID();
		const request = {
			method: 'GET',
			headers: {},
			sessionId: session,
			principal: '',
			auth: null,
			objectPer,
			transport: 'sse',
		};
		// The serialized request: a line of JSON, and then the body.
		await stub.answer(`${JSON.stringify(request)}\n`);
		const url = `https://object.invalid/?role=stream&session=${session}`;
		const { webSocket } = await stub.fetch(url, { headers: { Upgrade: 'websocket' } });
		webSocket?.accept();
		expect(await stub.isLive(session)).toBe(true);
		webSocket?.close(1001);
		const isMarked = (): Promise<boolean> =>
			runInDurableObject(
				stub,
				(_instance, { storage }) =>
					storage.sql
						.exec("SELECT 1 FROM tmcp_entries WHERE kind = 'sse' AND at_ms IS NOT NULL")
						.toArray().length > 0,
			);
		await expect.poll(isMarked).toBe(true);
		return session;
	};

	it('ends the session a minute later, and then deletes its object', async () => {
		const stub = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		const session = await loseWorker(stub, 'session');
		await runDurableObjectAlarm(stub);
		expect(await stub.isLive(session)).toBe(true);
		testState.skewMs = MINUTE_MS;
		await runDurableObjectAlarm(stub);
		expect(await stub.isLive(session)).toBe(false);
		testState.skewMs += MINUTE_MS;
		await runDurableObjectAlarm(stub);
		expect(await tablesOf(stub)).toEqual([]);
	});

	it('does not delete the state of an identity, also after an eviction', async () => {
		const headers = { authorization: 'lost/worker' };
		const current = await Client.open('/identity', headers);
		await current.call('add_note', { text: 'milk' });
		await current.send('DELETE');
		const name = await objectName({ workspaceId: 'lost', clientId: 'worker' });
		const session = await loseWorker(env.SESSIONS.getByName(name), 'identity');
		await evictDurableObject(env.SESSIONS.getByName(name));
		testState.skewMs = MINUTE_MS;
		await runDurableObjectAlarm(env.SESSIONS.getByName(name));
		expect(await env.SESSIONS.getByName(name).isLive(session)).toBe(false);
		testState.skewMs += MINUTE_MS;
		await runDurableObjectAlarm(env.SESSIONS.getByName(name));
		const again = await Client.open('/identity', headers);
		expect(await again.call('list_notes')).toBe('["milk"]');
	});
});

describe('a deployment', () => {
	it('responds 500 if its class does not serve the transport, and reports the missing setting', async () => {
		testState.settings = { sse: undefined };
		expect((await SseClient.open()).status).toBe(500);
		expect(testState.errors.join()).toContain('set settings.sse to createLegacySse()');
	});

	it('cannot create a router that serves both transports on every path', () => {
		const create = (): unknown =>
			createSessionRouter({ object: 'SESSIONS', path: null, sse: createLegacySse() });
		expect(create).toThrow(/sse requires a separate path/);
	});
});

/** Records a call of an instance that no longer exists. */
async function recordInterruptedCall(client: Client | SseClient, messageId: string): Promise<void> {
	await runInDurableObject(objectOf(client), (_instance, { storage }) => {
		const call = {
			tool: 'slow',
			arguments: {},
			messageId,
			session: internalIdOf(client),
			attempts: 0,
			instance: 'lost',
			startedAtMs: 1,
		};
		storage.sql.exec(
			"INSERT INTO tmcp_entries (kind, key, value) VALUES ('call', ?, ?)",
			crypto.randomUUID(),
			JSON.stringify(call),
		);
	});
}
