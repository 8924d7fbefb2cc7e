import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createSdkHandler } from '@tmcp-sessions/sdk';
import type { SdkHandler, SdkHandlerOptions } from '@tmcp-sessions/sdk';
import { describe, expect, it } from 'vitest';

import { connect, connect1, textOf } from './clients.ts';
import type { Fetch } from './clients.ts';
import { createNotesServer, NOTES, seen } from './fixture/notes-server.ts';

const MCP = new URL('https://example.com/mcp');
const KEY = 'a-key-of-the-tests-32-characters-long-and-more';

function setUp(options: SdkHandlerOptions = {}): {
	handler: SdkHandler;
	fetch: Fetch;
	errors: Error[];
} {
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const info = new StoredInfoSessionManager(new InMemorySessionStore(), { onError });
	const handler = createSdkHandler(createNotesServer, {
		info,
		onError,
		sessionKeys: [KEY],
		...options,
	});
	return { handler, errors, fetch: (request) => handler.fetch(request) };
}

describe('a session-based client', () => {
	it('calls a tool in a session', async () => {
		const { errors, fetch } = setUp();
		const { client, transport } = await connect(MCP, fetch);
		expect(transport.sessionId).toBeDefined();
		expect(client.getInstructions()).toBe('Ask before you delete.');
		expect(textOf(await client.callTool({ name: 'greet', arguments: { name: 'Ada' } }))).toBe(
			'Hello, Ada!',
		);
		expect((await client.listTools()).tools.map(({ name }) => name)).toContain('greet');
		expect((await client.readResource({ uri: NOTES })).contents).toHaveLength(1);
		expect(errors).toEqual([]);
	});

	it('calls a tool with the SDK 1.x', async () => {
		const client = await connect1(MCP, setUp().fetch);
		const result = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
		expect(textOf(result)).toBe('Hello, Ada!');
	});

	it('is known to the server of each message by its client info and its era', async () => {
		const { client } = await connect(MCP, setUp().fetch);
		expect(textOf(await client.callTool({ name: 'who' }))).toBe('["legacy","visitor"]');
	});

	it('answers an elicitation with another request', async () => {
		const { client } = await connect(MCP, setUp().fetch, { capabilities: { elicitation: {} } });
		client.setRequestHandler('elicitation/create', () => ({
			action: 'accept',
			content: { sure: true },
		}));
		expect(textOf(await client.callTool({ name: 'ask' }))).toBe('accept {"sure":true}');
	});

	it('receives progress in order, before the response', async () => {
		const { client } = await connect(MCP, setUp().fetch);
		const progress: number[] = [];
		const options = {
			onprogress: (each: { progress: number }) => void progress.push(each.progress),
		};
		expect(textOf(await client.callTool({ name: 'progress' }, options))).toBe('done');
		expect(progress).toEqual([1, 2, 3, 4, 5]);
	});

	it('receives logs from the level that it has set, in later calls too', async () => {
		const { client } = await connect(MCP, setUp().fetch);
		const logs: unknown[] = [];
		client.setNotificationHandler(
			'notifications/message',
			({ params }) => void logs.push(params.data),
		);
		await client.callTool({ name: 'log' });
		expect(logs).toEqual(['of some importance']);
		await client.setLoggingLevel('debug');
		await client.callTool({ name: 'log' });
		expect(logs).toEqual(['of some importance', 'of no importance', 'of some importance']);
	});

	it('receives list changes, and the updates of what it subscribed to, once each', async () => {
		const { fetch, handler } = setUp();
		const [{ client }, { client: other }] = [await connect(MCP, fetch), await connect(MCP, fetch)];
		const received: string[] = [];
		const others: string[] = [];
		for (const [each, list] of [
			[client, received],
			[other, others],
		] as const) {
			each.setNotificationHandler(
				'notifications/tools/list_changed',
				() => void list.push('tools'),
			);
			each.setNotificationHandler(
				'notifications/resources/updated',
				({ params }) => void list.push(params.uri),
			);
		}
		await client.subscribeResource({ uri: NOTES });
		await other.callTool({ name: 'announce' });
		await expect.poll(() => received).toEqual(['tools', NOTES]);
		await expect.poll(() => others).toEqual(['tools']);
		await handler.notify.resourceUpdated(NOTES);
		await expect.poll(() => received).toEqual(['tools', NOTES, NOTES]);
		await client.unsubscribeResource({ uri: NOTES });
		await handler.notify.resourceUpdated(NOTES);
		await handler.notify.toolsChanged();
		await expect.poll(() => received).toEqual(['tools', NOTES, NOTES, 'tools']);
		expect(others).toEqual(['tools', 'tools']);
	});

	it('sends an update before a list change that the same call raises later', async () => {
		const { client } = await connect(MCP, setUp().fetch);
		const received: string[] = [];
		client.setNotificationHandler(
			'notifications/tools/list_changed',
			() => void received.push('tools'),
		);
		client.setNotificationHandler(
			'notifications/resources/updated',
			() => void received.push('update'),
		);
		await client.subscribeResource({ uri: NOTES });
		await client.callTool({ name: 'rewrite' });
		await expect.poll(() => received).toEqual(['update', 'tools']);
	});

	it('may not subscribe to what authorizeSubscription denies', async () => {
		const { fetch } = setUp({ authorizeSubscription: (_principal, uri) => uri !== NOTES });
		const { client } = await connect(MCP, fetch);
		await expect(client.subscribeResource({ uri: NOTES })).rejects.toThrow('may not subscribe');
		await client.subscribeResource({ uri: 'notes://other' });
	});

	it('cancels a call', async () => {
		const { client } = await connect(MCP, setUp().fetch);
		seen.length = 0;
		const abort = new AbortController();
		const calling = client.callTool(
			{ name: 'slow', arguments: { ms: 300 } },
			{ signal: abort.signal },
		);
		setTimeout(() => abort.abort('no time'), 50);
		await expect(calling).rejects.toThrow('no time');
		await expect.poll(() => seen).toEqual(['cancelled']);
	});

	it('gets the errors of its own mistakes', async () => {
		const { errors, fetch } = setUp();
		const { client } = await connect(MCP, fetch);
		const greet = { name: 'greet', arguments: { name: 7 } };
		expect(textOf(await client.callTool(greet))).toMatch(/expected string/i);
		expect(textOf(await client.callTool({ name: 'fail' }))).toBe('on purpose');
		await expect(client.readResource({ uri: 'notes://none' })).rejects.toThrow(/not found/i);
		expect(errors).toEqual([]);
	});

	it('gets an error for a result that breaks the outputSchema', async () => {
		const { client } = await connect(MCP, setUp().fetch);
		const measure = (as: string) => client.callTool({ name: 'measure', arguments: { as } });
		expect((await measure('number')).structuredContent).toEqual({ celsius: 21 });
		const broken = await measure('text');
		expect(broken.isError).toBe(true);
		expect(textOf(broken)).toMatch(/Invalid structured content for tool measure/);
	});

	it('gets a 404 after it has ended its session', async () => {
		const { fetch } = setUp();
		const { client, transport } = await connect(MCP, fetch);
		const headers = { 'mcp-session-id': transport.sessionId ?? '' };
		await transport.terminateSession();
		const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
		const response = await fetch(
			new Request(MCP, {
				method: 'POST',
				headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
				body: JSON.stringify(ping),
			}),
		);
		expect(response.status).toBe(404);
		await client.close();
	});
});
