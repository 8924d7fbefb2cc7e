import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { callRows, databaseBytes, loseCall, objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetWorld, world } from './fixture/test-session.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';

afterEach(resetWorld);

describe('a stream of a session', () => {
	it('gets what its session’s tools announce, and no other session’s', async () => {
		const [client, other] = [await Client.open(), await Client.open()];
		const [stream, foreign] = [await Stream.open(client), await Stream.open(other)];
		await client.call('announce');
		await stream.until(TOOLS_CHANGED);
		await other.call('announce');
		await foreign.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
		expect(foreign.methods).toEqual([TOOLS_CHANGED]);
	});

	it('outlives its object’s evictions, and does not hold it in memory', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		const before = world.instances;
		for (const times of [1, 2, 3]) {
			await evictDurableObject(objectOf(client));
			await client.call('announce');
			await stream.until(TOOLS_CHANGED, times);
		}
		expect(world.instances).toBe(before + 3);
		expect(stream.methods).toHaveLength(3);
	});

	it('gets on its next connection what it missed, once and in order', async () => {
		const client = await Client.open();
		const first = await Stream.open(client);
		await first.until('\n\n');
		await client.call('announce');
		await first.until(TOOLS_CHANGED);
		await first.leave();
		const { lastEventId } = first;
		await client.call('announce');
		await client.call('announce');
		await evictDurableObject(objectOf(client));
		const second = await Stream.open(client, lastEventId);
		await second.until(TOOLS_CHANGED, 2);
		await client.call('announce');
		await second.until(TOOLS_CHANGED, 3);
		expect(second.methods).toHaveLength(3);
	});

	it('goes on after its object’s sockets were lost, as a deployment loses them', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await loseSockets(client);
		await client.call('announce');
		await stream.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
		expect(stream.isOver).toBe(false);
	});

	it('lets go of its socket when its client leaves, so that its object is not in use', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		const open = (): Promise<number> =>
			runInDurableObject(
				objectOf(client),
				(_instance, state) =>
					state.getWebSockets().filter(({ readyState }) => readyState === 1).length,
			);
		expect(await open()).toBe(1);
		await stream.leave();
		await expect.poll(open, { timeout: 4_000 }).toBe(0);
		expect((await client.ask('ping')).status).toBe(200);
	});

	it('ends with its session', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await client.send('DELETE');
		await expect.poll(() => stream.isOver).toBe(true);
	});

	it('that comes back after its session is gone is closed for good, and leaves nothing behind', async () => {
		const stub = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		const { webSocket } = await stub.fetch(
			'https://session-object.invalid/?role=stream&session=gone&rank=1',
			{ headers: { upgrade: 'websocket' } },
		);
		const closed = new Promise<number>((resolve) =>
			webSocket?.addEventListener('close', ({ code }) => resolve(code)),
		);
		webSocket?.accept();
		expect(await closed).toBe(4000);
		expect(await tablesOf(stub)).toEqual([]);
	});

	it('takes 32 KiB of SQLite with it, and 4 for each table of its own', async () => {
		world.settings = { migrations: [] };
		const plain = await Client.open();
		await Stream.open(plain).then((stream) => stream.until('\n\n'));
		await plain.call('count', { to: 1 });
		expect(await databaseBytes(objectOf(plain))).toBe(32 * 1_024);
		world.settings = undefined;
		const client = await Client.open();
		await Stream.open(client).then((stream) => stream.until('\n\n'));
		await client.call('count', { to: 1 });
		expect(await databaseBytes(objectOf(client))).toBe(36 * 1_024);
	});

	it('takes less than 40 KiB again once what it was sent is old', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		for (let count = 0; count < 200; count++) await client.call('announce');
		await stream.until(TOOLS_CHANGED, 200);
		expect(await databaseBytes(objectOf(client))).toBeGreaterThan(40 * 1_024);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec('UPDATE tmcp_log SET at_ms = 0');
		});
		world.skewMs = 60 * 60_000;
		await runDurableObjectAlarm(objectOf(client));
		expect(await databaseBytes(objectOf(client))).toBeLessThan(40 * 1_024);
	});
});

describe('a deployment that changes the tools', () => {
	it('is told once to a session whose stream comes back', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		world.newTool = true;
		await evictDurableObject(objectOf(client));
		await loseSockets(client);
		await stream.until(TOOLS_CHANGED);
		await evictDurableObject(objectOf(client));
		await loseSockets(client);
		await client.ask('ping');
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
	});

	it('is told when a stream is opened, where there was none to tell', async () => {
		const client = await Client.open();
		await client.ask('ping');
		world.newTool = true;
		await evictDurableObject(objectOf(client));
		expect(await client.call('new')).toBe('new');
		const stream = await Stream.open(client);
		await stream.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
	});

	it('is not told where nothing changed', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await evictDurableObject(objectOf(client));
		await loseSockets(client);
		await client.ask('ping');
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(stream.methods).toEqual([]);
	});
});

describe('a client that comes back for a call', () => {
	it('gets the answer of one that was resumed after its object was lost', async () => {
		const { client, call } = await withLostCall();
		const stream = await Stream.open(client, `${call}:0`);
		await expect.poll(() => stream.isOver).toBe(true);
		expect(stream.text).toContain('"id":"the-call"');
		expect(stream.text).toContain('resumed slow');
		// How much the lost object has said is not known.
		expect(stream.text).toContain(
			'the call was interrupted and resumed: events may have been lost',
		);
		expect(stream.text).not.toMatch(/\d messages/);
		expect(world.resumed).toHaveLength(1);
	});

	it.each([
		[
			'that nothing resumes: call again',
			null,
			'the server restarted during this call and does not implement resumeCall; call the tool again',
		],
		[
			'that its handler ends: what that says',
			() => {
				throw new Error('the export is gone; start another');
			},
			'the export is gone; start another',
		],
	])('gets an error for one %s', async (_what, resume, message) => {
		world.resume = resume;
		const { client, call } = await withLostCall();
		const stream = await Stream.open(client, `${call}:0`);
		await expect.poll(() => stream.isOver).toBe(true);
		expect(stream.text).toMatch(/"id":"the-call","error":\{"code":-32001,/);
		expect(stream.text).toContain(message);
		expect(await callRows(client)).toEqual([]);
	});

	it('gets the answer of one that went on without it', async () => {
		const client = await Client.open();
		const params = { name: 'slow', arguments: { ms: 2_000 } };
		const response = await client.send(
			'POST',
			{ jsonrpc: '2.0', id: 5, method: 'tools/call', params },
			{ 'mcp-protocol-version': '2025-11-25' },
		);
		const reader = response.body?.getReader();
		const { value } = (await reader?.read()) ?? {};
		const [, id] = /^id: (\S+)\n/.exec(new TextDecoder().decode(value)) ?? [];
		expect(id).toMatch(/^call\/.+:0$/);
		await reader?.cancel();
		const stream = await Stream.open(client, id);
		await expect.poll(() => stream.isOver, { timeout: 5_000 }).toBe(true);
		expect(stream.text).toContain('slept');
	});
});

/** A call at work, whose object was lost. */
async function withLostCall(): Promise<{ client: Client; call: string }> {
	const client = await Client.open();
	const call = `call/${crypto.randomUUID()}`;
	await loseCall(client, { tool: 'slow', arguments: {}, messageId: 'the-call', stream: call });
	return { client, call };
}

/** The object loses its sockets, and Workers open them again. */
async function loseSockets(client: Client): Promise<void> {
	const before = await runInDurableObject(objectOf(client), (_instance, state) => {
		const sockets = state.getWebSockets();
		for (const socket of sockets) socket.close(1012, 'lost');
		return sockets.length;
	});
	const open = (): Promise<number> =>
		runInDurableObject(
			objectOf(client),
			(_instance, state) =>
				state.getWebSockets().filter(({ readyState }) => readyState === 1).length,
		);
	await expect.poll(open).toBe(before);
}
