import { objectName } from '@tmcp-sessions/session-object';
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client } from './fixture/client.ts';
import { SseClient } from './fixture/sse-client.ts';
import { Stream } from './fixture/stream.ts';
import { world } from './fixture/test-session.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

afterEach(() => {
	world.newTool = false;
	world.errors.length = 0;
});

let last = 0;
/** Somebody who was not here before. */
const newcomer = (): string => `client ${(last += 1)}`;

const open = (who = newcomer()): Promise<Client> => Client.open('/sdk', { authorization: who });

async function evict(who: string): Promise<void> {
	const name = await objectName({ workspaceId: 'sdk', clientId: who });
	await evictDurableObject(env.SDK_SESSIONS.getByName(name));
}

/** A call whose frames are read as they come. */
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

/** The ids of the questions in a text. */
function questionsIn(text: string): string[] {
	return [...text.matchAll(/^data: (\{.*"elicitation\/create".*\})$/gm)].map(
		([, data = '']) => (JSON.parse(data) as { id: string }).id, // Sound: a question has an id.
	);
}

describe("a server of the official SDK in a session's object", () => {
	it('answers calls from its state, and no other identity sees it', async () => {
		const [one, other] = [await open(), await open()];
		expect(await one.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(await one.call('add_note', { text: 'bread' })).toBe('2 notes');
		expect(await one.call('list_notes')).toBe('["milk","bread"]');
		expect(await other.call('list_notes')).toBe('[]');
	});

	it('knows its client still after its object was out of memory', async () => {
		const who = newcomer();
		const client = await open(who);
		await client.call('add_note', { text: 'milk' });
		await evict(who);
		expect(await client.call('list_notes')).toBe('["milk"]');
		expect(JSON.parse(await client.call('who'))).toEqual({ name: 'test', version: '1' });
	});

	it('L28 shared-request-ids: answers two requests of one id at once, each with its own', async () => {
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

	it('asks its client, also two things at once, and after an eviction', async () => {
		const who = newcomer();
		const client = await open(who);
		await evict(who);
		const asking = await call(client, 1, 'ask_twice');
		const [first, second] = questionsIn(await asking.until('Question 2'));
		expect(first).toMatch(/^[\w-]{36}\.\d+$/);
		await client.send('POST', { jsonrpc: '2.0', id: second, result: { action: 'decline' } });
		const result = { action: 'accept', content: {} };
		await client.send('POST', { jsonrpc: '2.0', id: first, result });
		expect(await asking.rest()).toContain('accept,decline');
	});

	it('asks for two calls at once, each of which gets its own answer', async () => {
		const client = await open();
		const [one, other] = [await call(client, 1, 'ask'), await call(client, 2, 'ask')];
		const [first] = questionsIn(await one.until('Sure?'));
		const [second] = questionsIn(await other.until('Sure?'));
		await client.send('POST', { jsonrpc: '2.0', id: second, result: { action: 'cancel' } });
		await client.send('POST', { jsonrpc: '2.0', id: first, result: { action: 'decline' } });
		expect(await one.rest()).toContain('decline');
		expect(await other.rest()).toContain('cancel');
	});

	it('gets no answer of another session of its identity', async () => {
		const who = newcomer();
		const [client, other] = [await open(who), await open(who)];
		const asking = await call(client, 1, 'ask');
		const [id] = questionsIn(await asking.until('Sure?'));
		const result = { action: 'accept', content: { sure: false } };
		await other.send('POST', { jsonrpc: '2.0', id, result });
		await client.send('POST', { jsonrpc: '2.0', id, result: { action: 'decline' } });
		expect(await asking.rest()).toContain('decline');
	});

	it('says how far a call is on the stream of the call, in order', async () => {
		const text = await (await call(await open(), 1, 'progress')).rest();
		const progress = [...text.matchAll(/"progress":(\d)/g)].map(([, each]) => Number(each));
		expect(progress).toEqual([1, 2, 3, 4, 5]);
		expect(text.lastIndexOf('"progress":5')).toBeLessThan(text.indexOf('"result"'));
	});

	it('is told when a call is cancelled, which then has no answer', async () => {
		const client = await open();
		const waiting = await call(client, 7, 'until_cancelled');
		const params = { requestId: 7 };
		await client.send('POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params });
		expect(await waiting.rest()).not.toContain('"content"');
		await expect.poll(() => client.call('list_notes')).toBe('["cancelled"]');
	});

	it('tells the sessions of its object of changes, each once', async () => {
		const who = newcomer();
		const [client, other] = [await open(who), await open(who)];
		await client.ask('resources/subscribe', { uri: 'test://a' });
		const [stream, others] = [await Stream.open(client), await Stream.open(other)];
		await Promise.all([stream.until('\n\n'), others.until('\n\n')]);
		await other.call('announce');
		await stream.until(UPDATED);
		await others.until(TOOLS_CHANGED);
		expect(stream.methods.toSorted()).toEqual([UPDATED, TOOLS_CHANGED]);
		expect(others.methods).toEqual([TOOLS_CHANGED]);
		await client.ask('resources/unsubscribe', { uri: 'test://a' });
		await other.call('announce');
		await stream.until(TOOLS_CHANGED, 2);
		expect(stream.methods.filter((method) => method === UPDATED)).toHaveLength(1);
	});

	it('tells of tools that a deployment changed', async () => {
		const who = newcomer();
		const client = await open(who);
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await client.ask('tools/list');
		world.newTool = true;
		await evict(who);
		expect(await client.call('new')).toBe('new');
		await stream.until(TOOLS_CHANGED);
	});

	it('logs from the level on that its client set, in every instance', async () => {
		const who = newcomer();
		const client = await open(who);
		const before = (await client.ask('tools/call', { name: 'log' })).text;
		expect([before.includes('no importance'), before.includes('some importance')]).toEqual([
			false,
			true,
		]);
		await client.ask('logging/setLevel', { level: 'debug' });
		await evict(who);
		expect((await client.ask('tools/call', { name: 'log' })).text).toContain('no importance');
		expect((await client.ask('logging/setLevel', { level: 'loud' })).message.error?.code).toBe(
			-32602,
		);
	});

	it('says what is wrong with a request as the SDK does', async () => {
		const client = await open();
		expect((await client.ask('no/such')).message.error?.code).toBe(-32601);
		expect(await client.call('fail')).toContain('on purpose');
		expect(await client.call('add_note', { text: 7 })).toMatch(/expected string/i);
		expect(await client.call('absent')).toMatch(/absent/);
		expect((await client.ask('ping')).text).toContain('"result":{}');
	});

	it('serves clients of the old SSE transport too', async () => {
		const client = await SseClient.open('/sdk/sse', { authorization: newcomer() });
		await client.initialize();
		expect(await client.call('add_note', { text: 'milk' })).toBe('1 notes');
		const asking = await client.start('tools/call', { name: 'ask', arguments: {} });
		await client.until('elicitation/create');
		const [id] = questionsIn(client.text);
		await client.send({ id, result: { action: 'decline' } });
		expect((await client.answer(asking)).result?.content?.[0]?.text).toContain('decline');
	});

	it('refuses requests of the stateless era, and says which revisions it serves', async () => {
		const version = '2026-07-28';
		const params = {
			...{ name: 'list_notes', arguments: {} },
			_meta: {
				'io.modelcontextprotocol/protocolVersion': version,
				'io.modelcontextprotocol/clientCapabilities': {},
			},
		};
		const response = await new Client('/sdk', { authorization: newcomer() }).send(
			'POST',
			{ jsonrpc: '2.0', id: 1, method: 'tools/call', params },
			{
				'mcp-protocol-version': version,
				'mcp-method': 'tools/call',
				'mcp-name': 'list_notes',
			},
		);
		expect(response.status).toBe(400);
		const { error } = await response.json<{ error: { code: number; data: object } }>();
		expect(error.code).toBe(-32022);
		expect(error.data).toMatchObject({ supported: expect.arrayContaining(['2025-11-25']) });
	});
});
