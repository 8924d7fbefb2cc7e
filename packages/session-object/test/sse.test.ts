import { objectName, createSessionRouter } from '@tmcp-sessions/session-object';
import { createLegacySse } from '@tmcp-sessions/http/legacy-sse';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { callRows, objectCount, objectOf, tablesOf } from './fixture/objects.ts';
import { SseClient } from './fixture/sse-client.ts';
import { Stream } from './fixture/stream.ts';
import { world } from './fixture/test-session.ts';
import type { TestSession } from './fixture/test-session.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const PING = { id: 1, method: 'ping' };
/** What is left to a session that has ended, and to one whose Worker was lost. */
const MINUTE_MS = 61_000;

afterEach(() => {
	world.settings = undefined;
	world.skewMs = 0;
	world.newTool = false;
	world.resumed.length = 0;
	world.errors.length = 0;
});

describe('a session of the old SSE transport', () => {
	it('has an object of its own, and its state', async () => {
		const [one, other] = [await SseClient.open(), await SseClient.open()];
		await one.initialize();
		await other.initialize();
		expect(await one.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(await one.call('list_notes')).toBe('["milk"]');
		expect(await other.call('list_notes')).toBe('[]');
	});

	it('gets what a call says in its order, and all of it before the answer', async () => {
		const client = await SseClient.open();
		const params = { name: 'progress', arguments: {}, _meta: { progressToken: 'p' } };
		await client.answer(await client.start('tools/call', params));
		const said = [...client.text.matchAll(/"progress":(\d+)|"(result)"/g)].map(
			([, progress, result]) => result ?? Number(progress),
		);
		expect(said).toEqual([...Array.from({ length: 20 }, (_, index) => index + 1), 'result']);
	});

	it('is asked by its tools, one message after the other, and nobody else answers', async () => {
		const [client, stranger] = [await SseClient.open(), await SseClient.open()];
		await client.initialize();
		const call = await client.start('tools/call', { name: 'ask', arguments: {} });
		await client.until('elicitation/create');
		const asked = client.messages.find(({ method }) => method === 'elicitation/create');
		await stranger.send({ id: asked?.id, result: { action: 'accept', content: {} } });
		const answered = await client.send({ id: asked?.id, result: { action: 'decline' } });
		expect(answered.status).toBe(202);
		expect((await client.answer(call)).result?.content?.[0]?.text).toBe('decline');
	});

	it('is out of memory while its stream is open, and goes on as if it had not been', async () => {
		const client = await SseClient.open();
		await client.initialize();
		await client.call('add_note', { text: 'milk' });
		const before = world.instances;
		await evictDurableObject(objectOf(client));
		expect(await client.call('list_notes')).toBe('["milk"]');
		expect(world.instances).toBe(before + 1);
		expect(new Set(client.eventIds).size).toBe(client.eventIds.length);
	});

	it('hears once of tools that a deployment changed', async () => {
		const client = await SseClient.open();
		await client.initialize();
		world.newTool = true;
		await evictDurableObject(objectOf(client));
		expect(await client.call('new')).toBe('new');
		await client.until(TOOLS_CHANGED);
		await client.call('list_notes');
		expect(client.messages.filter(({ method }) => method === TOOLS_CHANGED)).toHaveLength(1);
	});

	it('gets the answer of a call that was resumed after its object was lost', async () => {
		const client = await SseClient.open();
		await leaveCall(client, 'the-call');
		await evictDurableObject(objectOf(client));
		await client.start('ping');
		await client.until('resumed slow');
		expect(client.text).toContain('"id":"the-call"');
		expect(await callRows(client)).toEqual([]);
	});

	it(
		'ends with its stream: its object, its socket and all that was kept',
		{ timeout: 20_000 },
		async () => {
			const client = await SseClient.open();
			await client.initialize();
			await client.call('add_note', { text: 'milk' });
			await client.leave();
			await expect
				.poll(async () => (await client.send(PING)).status, { timeout: 10_000 })
				.toBe(404);
			const sockets = (): Promise<number> =>
				runInDurableObject(
					objectOf(client),
					(_instance, state) =>
						state.getWebSockets().filter(({ readyState }) => readyState === 1).length,
				);
			await expect.poll(sockets, { timeout: 5_000 }).toBe(0);
			world.skewMs = MINUTE_MS;
			await runDurableObjectAlarm(objectOf(client));
			expect(await tablesOf(objectOf(client))).toEqual([]);
			expect((await client.send(PING)).status).toBe(404);
			expect(await tablesOf(objectOf(client))).toEqual([]);
		},
	);
});

describe('a session of Streamable HTTP', () => {
	it('L16 responses-only-on-resume: gets no answer of a lost call on its stream, which is for no answers', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await leaveCall(client, 'the-call');
		await evictDurableObject(objectOf(client));
		await client.call('announce');
		await stream.until(TOOLS_CHANGED);
		await expect.poll(() => callRows(client)).toEqual([]);
		expect(world.resumed).toHaveLength(1);
		expect(stream.text).not.toContain('resumed');
	});
});

describe('an identity', () => {
	const headers = { authorization: 'shared/both' };

	it('has one object for its sessions of both transports, which hear of changes once', async () => {
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

	it(
		'keeps what it has when a session ends, and the next one finds it',
		{ timeout: 20_000 },
		async () => {
			const who = { authorization: 'again/laptop' };
			const first = await SseClient.open('/identity/sse', who);
			await first.call('add_note', { text: 'milk' });
			await first.leave();
			await expect.poll(async () => (await first.send(PING)).status, { timeout: 10_000 }).toBe(404);
			const next = await SseClient.open('/identity/sse', who);
			expect(next.session).not.toBe(first.session);
			expect(await next.call('list_notes')).toBe('["milk"]');
		},
	);

	it('that is nobody, or another one, is a 404, and makes no object', async () => {
		const client = await SseClient.open('/identity/sse', { authorization: 'own/one' });
		const before = await objectCount();
		expect((await SseClient.open('/identity/sse')).status).toBe(404);
		const other = { authorization: 'own/two' };
		expect((await client.send(PING, client.endpoint, other)).status).toBe(404);
		expect(await objectCount()).toBe(before);
		expect((await client.send(PING)).status).toBe(202);
	});
});

describe('what reaches no object', () => {
	const message = (sessionId: string): string =>
		`/messages?sessionId=${encodeURIComponent(sessionId)}`;

	it.each([
		['no id', '/messages', 400],
		['an empty one', '/messages?sessionId=', 400],
		['one that is made up', message('1.abc.def'), 404],
		['one that is no ASCII', message('ü'), 404],
	])('a message with %s', async (_what, endpoint, status) => {
		const client = await SseClient.open();
		const before = [await objectCount(), world.instances];
		expect((await client.send(PING, endpoint)).status).toBe(status);
		expect([await objectCount(), world.instances]).toEqual(before);
	});

	it('an id whose object was exchanged for that of another session', async () => {
		const [mine, theirs] = [await SseClient.open(), await SseClient.open()];
		await evictDurableObject(objectOf(theirs));
		const before = world.instances;
		const end = theirs.session.slice(theirs.session.lastIndexOf('.'));
		const forged = mine.session.slice(0, mine.session.lastIndexOf('.')) + end;
		expect((await mine.send(PING, message(forged))).status).toBe(404);
		expect(world.instances).toBe(before);
	});

	it('an id of the other transport, either way', async () => {
		const [old, current] = [await SseClient.open(), await Client.open()];
		expect((await old.send(PING, message(current.session ?? ''))).status).toBe(404);
		const client = new Client();
		client.session = old.session;
		expect((await client.ask('tools/list')).status).toBe(404);
		expect((await client.send('GET')).status).toBe(404);
		expect((await client.send('DELETE')).status).toBe(404);
		expect((await old.send(PING)).status).toBe(202);
	});

	it('a body that is no message, and one that is too large', async () => {
		const client = await SseClient.open();
		await evictDurableObject(objectOf(client));
		const before = world.instances;
		expect((await client.send({ id: 1 })).status).toBe(400);
		expect((await client.send({ id: 1.5, method: 'ping' })).status).toBe(400);
		const large = { ...PING, params: { x: 'x'.repeat(5_000_000) } };
		expect((await client.send(large)).status).toBe(413);
		expect(world.instances).toBe(before);
	});
});

describe('a Worker that is lost together with the stream it holds', () => {
	/** As a Worker opens a stream for a client, and then is no more. */
	const lose = async (
		stub: DurableObjectStub<TestSession>,
		objectPer: 'identity' | 'session',
	): Promise<string> => {
		const session = crypto.randomUUID();
		const request = {
			...{ method: 'GET', headers: {}, sessionId: session, principal: '', auth: null },
			...{ objectPer, transport: 'sse' },
		};
		// A line of JSON, and behind it the body.
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

	it('leaves a session that ends a minute later, with its object', async () => {
		const stub = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		const session = await lose(stub, 'session');
		await runDurableObjectAlarm(stub);
		expect(await stub.isLive(session)).toBe(true);
		world.skewMs = MINUTE_MS;
		await runDurableObjectAlarm(stub);
		expect(await stub.isLive(session)).toBe(false);
		world.skewMs += MINUTE_MS;
		await runDurableObjectAlarm(stub);
		expect(await tablesOf(stub)).toEqual([]);
	});

	it('costs an identity nothing that it has, also where the object was put out of memory', async () => {
		const headers = { authorization: 'lost/worker' };
		const current = await Client.open('/identity', headers);
		await current.call('add_note', { text: 'milk' });
		await current.send('DELETE');
		const name = await objectName({ workspaceId: 'lost', clientId: 'worker' });
		const session = await lose(env.SESSIONS.getByName(name), 'identity');
		await evictDurableObject(env.SESSIONS.getByName(name));
		world.skewMs = MINUTE_MS;
		await runDurableObjectAlarm(env.SESSIONS.getByName(name));
		expect(await env.SESSIONS.getByName(name).isLive(session)).toBe(false);
		world.skewMs += MINUTE_MS;
		await runDurableObjectAlarm(env.SESSIONS.getByName(name));
		const again = await Client.open('/identity', headers);
		expect(await again.call('list_notes')).toBe('["milk"]');
	});
});

describe('a deployment', () => {
	it('whose class does not serve the transport is told what is missing', async () => {
		world.settings = { sse: undefined };
		expect((await SseClient.open()).status).toBe(500);
		expect(world.errors.join()).toContain('set settings.sse to createLegacySse()');
	});

	it('whose Streamable HTTP answers on every path is refused when the router is made', () => {
		const make = (): unknown =>
			createSessionRouter({ object: 'SESSIONS', path: null, sse: createLegacySse() });
		expect(make).toThrow(/sse requires a separate path/);
	});
});

/** A call that an instance left behind which is no more. */
async function leaveCall(client: Client | SseClient, messageId: string): Promise<void> {
	await runInDurableObject(objectOf(client), (_instance, { storage }) => {
		const kept = {
			...{ tool: 'slow', arguments: {}, messageId, session: client.session },
			...{ attempts: 0, instance: 'lost', startedAtMs: 1 },
		};
		storage.sql.exec(
			"INSERT INTO tmcp_entries (kind, key, value) VALUES ('call', ?, ?)",
			...[crypto.randomUUID(), JSON.stringify(kept)],
		);
	});
}
