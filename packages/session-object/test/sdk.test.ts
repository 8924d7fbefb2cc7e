import { objectName } from '@tmcp-sessions/session-object';
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { SseClient } from './fixture/sse-client.ts';
import { Stream } from './fixture/stream.ts';
import { testState } from './fixture/test-session.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

afterEach(() => {
	testState.newTool = false;
	testState.errors.length = 0;
});

let clients = 0;
/** Returns a client id that no other test uses. */
const newClientId = (): string => `client ${(clients += 1)}`;

const open = (clientId = newClientId()): Promise<Client> =>
	Client.open('/sdk', { authorization: clientId });

async function evict(clientId: string): Promise<void> {
	const name = await objectName({ workspaceId: 'sdk', clientId });
	await evictDurableObject(env.SDK_SESSIONS.getByName(name));
}

/** Calls a tool, and reads the frames of its response as they arrive. */
async function call(
	client: Client,
	id: number | string,
	name: string,
	args: object = {},
): Promise<{ until: (part: string) => Promise<string>; rest: () => Promise<string> }> {
	const params = { name, arguments: args, _meta: { progressToken: 'p' } };
	const message = { jsonrpc: '2.0', id, method: 'tools/call', params };
	const response = await client.send('POST', message);
	const reader = response.body?.getReader();
	const decoder = new TextDecoder();
	let text = '';
	const read = async (): Promise<boolean> => {
		const next = await reader?.read();
		text += decoder.decode(next?.value);
		return next?.done === false;
	};
	return {
		async until(part) {
			while (!text.includes(part)) {
				if (!(await read())) throw new Error(`expected ${part}; found ${text}`);
			}
			return text;
		},
		async rest() {
			while (await read());
			return text;
		},
	};
}

/** Returns the ids of the elicitation requests in a text. */
function elicitationsIn(text: string): string[] {
	return [...text.matchAll(/^data: (\{.*"elicitation\/create".*\})$/gm)].map(
		([, data = '']) => (JSON.parse(data) as { id: string }).id, // Safe because every request has an id.
	);
}

describe("a server of the official SDK in a session's object", () => {
	it('serves calls from its state, which other identities cannot read', async () => {
		const [one, other] = [await open(), await open()];
		expect(await one.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(await one.call('add_note', { text: 'bread' })).toBe('2 notes');
		expect(await one.call('list_notes')).toBe('["milk","bread"]');
		expect(await other.call('list_notes')).toBe('[]');
	});

	it('has the client info after its object was evicted', async () => {
		const clientId = newClientId();
		const client = await open(clientId);
		await client.call('add_note', { text: 'milk' });
		await evict(clientId);
		expect(await client.call('list_notes')).toBe('["milk"]');
		expect(JSON.parse(await client.call('who'))).toEqual({ name: 'test', version: '1' });
	});

	it('L28 shared-request-ids: responds to two concurrent requests with one id, each with its own result', async () => {
		const client = await open();
		const calls = await Promise.all([
			call(client, 1, 'slow', { ms: 300, say: 'the slow one' }),
			call(client, 1, 'slow', { ms: 50, say: 'the quick one' }),
		]);
		const [slow, quick] = await Promise.all(calls.map(({ rest }) => rest()));
		expect([slow?.includes('the slow one'), quick?.includes('the quick one')]).toEqual([
			true,
			true,
		]);
	});

	it('sends two concurrent server requests from one call after an eviction', async () => {
		const clientId = newClientId();
		const client = await open(clientId);
		await evict(clientId);
		const asking = await call(client, 1, 'ask_twice');
		const [first, second] = elicitationsIn(await asking.until('Question 2'));
		expect(first).toMatch(/^[\w-]{36}\.\d+$/);
		await client.send('POST', { jsonrpc: '2.0', id: second, result: { action: 'decline' } });
		const result = { action: 'accept', content: {} };
		await client.send('POST', { jsonrpc: '2.0', id: first, result });
		expect(await asking.rest()).toContain('accept,decline');
	});

	it('sends server requests from two concurrent calls, each of which gets its own response', async () => {
		const client = await open();
		const [one, other] = [await call(client, 1, 'ask'), await call(client, 2, 'ask')];
		const [first] = elicitationsIn(await one.until('Sure?'));
		const [second] = elicitationsIn(await other.until('Sure?'));
		await client.send('POST', { jsonrpc: '2.0', id: second, result: { action: 'cancel' } });
		await client.send('POST', { jsonrpc: '2.0', id: first, result: { action: 'decline' } });
		expect(await one.rest()).toContain('decline');
		expect(await other.rest()).toContain('cancel');
	});

	it('ignores a client response from another session of its identity', async () => {
		const clientId = newClientId();
		const [client, other] = [await open(clientId), await open(clientId)];
		const asking = await call(client, 1, 'ask');
		const [id] = elicitationsIn(await asking.until('Sure?'));
		const result = { action: 'accept', content: { sure: false } };
		await other.send('POST', { jsonrpc: '2.0', id, result });
		await client.send('POST', { jsonrpc: '2.0', id, result: { action: 'decline' } });
		expect(await asking.rest()).toContain('decline');
	});

	it('sends progress on the stream of the call, in order and before the response', async () => {
		const text = await (await call(await open(), 1, 'progress')).rest();
		const progress = [...text.matchAll(/"progress":(\d)/g)].map(([, each]) => Number(each));
		expect(progress).toEqual([1, 2, 3, 4, 5]);
		expect(text.lastIndexOf('"progress":5')).toBeLessThan(text.indexOf('"result"'));
	});

	it('aborts a cancelled call, which gets no response', async () => {
		const client = await open();
		const waiting = await call(client, 7, 'until_cancelled');
		const params = { requestId: 7 };
		await client.send('POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params });
		expect(await waiting.rest()).not.toContain('"content"');
		await expect.poll(() => client.call('list_notes')).toBe('["cancelled"]');
	});

	it('notifies each session of its object of a change once', async () => {
		const clientId = newClientId();
		const [client, other] = [await open(clientId), await open(clientId)];
		await client.request('resources/subscribe', { uri: 'test://a' });
		const [stream, others] = [await Stream.open(client), await Stream.open(other)];
		await Promise.all([stream.until('\n\n'), others.until('\n\n')]);
		await other.call('announce');
		await stream.until(UPDATED);
		await others.until(TOOLS_CHANGED);
		expect(stream.methods.toSorted()).toEqual([UPDATED, TOOLS_CHANGED]);
		expect(others.methods).toEqual([TOOLS_CHANGED]);
		await client.request('resources/unsubscribe', { uri: 'test://a' });
		await other.call('announce');
		await stream.until(TOOLS_CHANGED, 2);
		expect(stream.methods.filter((method) => method === UPDATED)).toHaveLength(1);
	});

	it('notifies a session after a deployment changes its tools', async () => {
		const clientId = newClientId();
		const client = await open(clientId);
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await client.request('tools/list');
		testState.newTool = true;
		await evict(clientId);
		expect(await client.call('new')).toBe('new');
		await stream.until(TOOLS_CHANGED);
	});

	it('logs from the level that its client set, also in the next instance', async () => {
		const clientId = newClientId();
		const client = await open(clientId);
		const before = (await client.request('tools/call', { name: 'log' })).text;
		expect([before.includes('no importance'), before.includes('some importance')]).toEqual([
			false,
			true,
		]);
		await client.request('logging/setLevel', { level: 'debug' });
		await evict(clientId);
		expect((await client.request('tools/call', { name: 'log' })).text).toContain('no importance');
		expect((await client.request('logging/setLevel', { level: 'loud' })).message.error?.code).toBe(
			-32602,
		);
	});

	it('responds to invalid requests with the errors of the SDK', async () => {
		const client = await open();
		expect((await client.request('no/such')).message.error?.code).toBe(-32601);
		expect(await client.call('fail')).toContain('on purpose');
		expect(await client.call('add_note', { text: 7 })).toMatch(/expected string/i);
		expect(await client.call('absent')).toMatch(/absent/);
		expect((await client.request('ping')).text).toContain('"result":{}');
	});

	it('serves clients of the legacy SSE transport', async () => {
		const client = await SseClient.open('/sdk/sse', { authorization: newClientId() });
		await client.initialize();
		expect(await client.call('add_note', { text: 'milk' })).toBe('1 notes');
		const asking = await client.start('tools/call', { name: 'ask', arguments: {} });
		await client.until('elicitation/create');
		const [id] = elicitationsIn(client.text);
		await client.send({ id, result: { action: 'decline' } });
		expect((await client.answer(asking)).result?.content?.[0]?.text).toContain('decline');
	});
});

describe('a stateless client of a server of the official SDK', () => {
	const create = (): Client => new Client('/sdk', { authorization: newClientId() });

	/** Returns the result in a response of either format. */
	async function resultOf(response: Response): Promise<Record<string, unknown>> {
		const text = await response.text();
		const [, data = text] = /^data: (.*"result".*)$/m.exec(text) ?? [];
		// Safe because the responses of the tests are JSON-RPC.
		return (JSON.parse(data) as { result?: Record<string, unknown> }).result ?? { text };
	}

	it('calls tools, whose state lasts', async () => {
		const client = create();
		await client.callStateless('add_note', { text: 'milk' });
		const response = await client.sendStateless('tools/call', {
			name: 'list_notes',
			arguments: {},
		});
		expect(response.status).toBe(200);
		expect(await resultOf(response)).toMatchObject({
			content: [{ text: '["milk"]' }],
			resultType: 'complete',
			_meta: { 'io.modelcontextprotocol/serverInfo': { name: 'official' } },
		});
		expect(testState.errors).toEqual([]);
	});

	it('discovers the capabilities of the server', async () => {
		const response = await create().sendStateless('server/discover', {});
		expect(await resultOf(response)).toMatchObject({
			capabilities: { resources: { subscribe: true } },
		});
	});

	it('receives progress in order, before the response', async () => {
		const text = await create().callStateless('progress');
		const progress = [...text.matchAll(/"progress":(\d)/g)].map(([, each]) => Number(each));
		expect(progress).toEqual([1, 2, 3, 4, 5]);
		expect(text.lastIndexOf('"progress":5')).toBeLessThan(text.indexOf('"result"'));
	});

	it('gets the errors of the SDK', async () => {
		const client = create();
		expect(await client.callStateless('fail')).toContain('on purpose');
		expect(await client.callStateless('add_note', { text: 7 })).toMatch(/expected string/i);
		const response = await client.sendStateless('no/such', {});
		expect([response.status, await response.text()]).toEqual([
			404,
			expect.stringContaining('-32601'),
		]);
	});

	it('calls again with its roots and the state of the server', async () => {
		const client = create();
		const capabilities = { roots: {} };
		const first = { name: 'confirm', arguments: {} };
		const asked = await client.sendStateless('tools/call', first, 1, capabilities);
		const { inputRequests, requestState } = await resultOf(asked);
		expect(inputRequests).toMatchObject({ roots: { method: 'roots/list' } });
		const roots = { roots: [{ uri: 'file:///home' }] };
		const again = { ...first, inputResponses: { roots }, requestState };
		const answer = await client.sendStateless('tools/call', again, 2, capabilities);
		expect(await answer.text()).toContain(
			'asked before {\\"roots\\":{\\"roots\\":[{\\"uri\\":\\"file:///home\\"}]}}',
		);
	});

	it('receives the changes that its subscription names', async () => {
		const client = create();
		const notifications = {
			promptsListChanged: true,
			resourceSubscriptions: ['test://a'],
			toolsListChanged: true,
		};
		const listening = await client.sendStateless('subscriptions/listen', { notifications }, 'l');
		const stream = new Stream(listening);
		await stream.until('notifications/subscriptions/acknowledged');
		const honored =
			'"notifications":{"toolsListChanged":true,"resourceSubscriptions":["test://a"]}';
		expect(stream.text).toContain(honored);
		await client.callStateless('announce');
		await stream.until(UPDATED);
		await stream.until(TOOLS_CHANGED);
		expect(testState.errors).toEqual([]);
	});
});
