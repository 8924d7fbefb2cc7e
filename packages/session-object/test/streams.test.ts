import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import {
	journaledCalls,
	databaseBytes,
	leaveInterruptedCall,
	objectOf,
	tablesOf,
} from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';

afterEach(resetTestState);

describe('a stream of a session', () => {
	it('receives the notifications of its own session only', async () => {
		const [client, other] = [await Client.open(), await Client.open()];
		const [stream, foreign] = [await Stream.open(client), await Stream.open(other)];
		await client.call('announce');
		await stream.until(TOOLS_CHANGED);
		await other.call('announce');
		await foreign.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
		expect(foreign.methods).toEqual([TOOLS_CHANGED]);
	});

	it('survives evictions of its object, which it does not keep in memory', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		const before = testState.instances;
		for (const times of [1, 2, 3]) {
			await evictDurableObject(objectOf(client));
			await client.call('announce');
			await stream.until(TOOLS_CHANGED, times);
		}
		expect(testState.instances).toBe(before + 3);
		expect(stream.methods).toHaveLength(3);
	});

	it('replays missed messages once and in order when its client reconnects', async () => {
		const client = await Client.open();
		const first = await Stream.open(client);
		await first.until('\n\n');
		await client.call('announce');
		await first.until(TOOLS_CHANGED);
		await first.disconnect();
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

	it('continues after its socket is lost, as in a deployment', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await loseSockets(client);
		await client.call('announce');
		await stream.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
		expect(stream.hasEnded).toBe(false);
	});

	it('closes its socket when its client disconnects, so that the object can hibernate', async () => {
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
		await stream.disconnect();
		await expect.poll(open, { timeout: 4_000 }).toBe(0);
		expect((await client.request('ping')).status).toBe(200);
	});

	it('ends with its session', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await client.send('DELETE');
		await expect.poll(() => stream.hasEnded).toBe(true);
	});

	it('is closed with 4000 and stores nothing if it reconnects after its session is deleted', async () => {
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

	it('takes 32 KiB of SQLite with its session, and 4 KiB for all values or for a user table', async () => {
		testState.settings = { migrations: [] };
		const plain = await Client.open();
		await Stream.open(plain).then((stream) => stream.until('\n\n'));
		expect(await databaseBytes(objectOf(plain))).toBe(32 * 1_024);
		await plain.call('count', { to: 1 });
		expect(await databaseBytes(objectOf(plain))).toBe(36 * 1_024);
		testState.settings = undefined;
		const client = await Client.open();
		await Stream.open(client).then((stream) => stream.until('\n\n'));
		await client.call('count', { to: 1 });
		expect(await databaseBytes(objectOf(client))).toBe(36 * 1_024);
	});

	it('takes less than 40 KiB after its old messages are pruned', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		for (let count = 0; count < 200; count++) await client.call('announce');
		await stream.until(TOOLS_CHANGED, 200);
		expect(await databaseBytes(objectOf(client))).toBeGreaterThan(40 * 1_024);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec('UPDATE tmcp_log SET at_ms = 0');
		});
		testState.skewMs = 60 * 60_000;
		await runDurableObjectAlarm(objectOf(client));
		expect(await databaseBytes(objectOf(client))).toBeLessThan(40 * 1_024);
	});
});

describe('a deployment that changes the tools', () => {
	it('notifies a session once when its stream reconnects', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		testState.newTool = true;
		await evictDurableObject(objectOf(client));
		await loseSockets(client);
		await stream.until(TOOLS_CHANGED);
		await evictDurableObject(objectOf(client));
		await loseSockets(client);
		await client.request('ping');
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
	});

	it('notifies a session when it opens its first stream', async () => {
		const client = await Client.open();
		await client.request('ping');
		testState.newTool = true;
		await evictDurableObject(objectOf(client));
		expect(await client.call('new')).toBe('new');
		const stream = await Stream.open(client);
		await stream.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
	});

	it('does not notify a session if its tools are the same', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await evictDurableObject(objectOf(client));
		await loseSockets(client);
		await client.request('ping');
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(stream.methods).toEqual([]);
	});
});

describe('a client that resumes a call', () => {
	it('receives the response of a call that was resumed after its object was lost', async () => {
		const { client, call } = await withLostCall();
		const stream = await Stream.open(client, `${call}:0`);
		await expect.poll(() => stream.hasEnded).toBe(true);
		expect(stream.text).toContain('"id":"the-call"');
		expect(stream.text).toContain('resumed slow');
		// The number of events that the lost object sent is unknown.
		expect(stream.text).toContain(
			'the call was interrupted and resumed: events may have been lost',
		);
		expect(stream.text).not.toMatch(/\d messages/);
		expect(testState.resumed).toHaveLength(1);
	});

	it.each([
		[
			'if there is no resumeCall: call the tool again',
			null,
			'the server restarted during this call and does not implement resumeCall; call the tool again',
		],
		[
			'if resumeCall throws: its message',
			() => {
				throw new Error('the export is gone; start another');
			},
			'the export is gone; start another',
		],
	])('receives an error %s', async (_case, resume, message) => {
		testState.resume = resume;
		const { client, call } = await withLostCall();
		const stream = await Stream.open(client, `${call}:0`);
		await expect.poll(() => stream.hasEnded).toBe(true);
		expect(stream.text).toMatch(/"id":"the-call","error":\{"code":-32001,/);
		expect(stream.text).toContain(message);
		expect(await journaledCalls(client)).toEqual([]);
	});

	it('receives the response of a call that continued after the disconnect', async () => {
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
		await expect.poll(() => stream.hasEnded).toBe(true);
		expect(stream.text).toContain('slept');
	});
});

/** Opens a session with a call in flight, and loses its object. */
async function withLostCall(): Promise<{ client: Client; call: string }> {
	const client = await Client.open();
	const call = `call/${crypto.randomUUID()}`;
	await leaveInterruptedCall(client, {
		tool: 'slow',
		arguments: {},
		messageId: 'the-call',
		stream: call,
	});
	return { client, call };
}

/** Closes the object's sockets, and waits until Workers have replaced them. */
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
