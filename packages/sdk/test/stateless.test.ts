import { createSdkHandler } from '@tmcp-sessions/sdk';
import type { SdkHandler, SdkHandlerOptions } from '@tmcp-sessions/sdk';
import { describe, expect, it } from 'vitest';

import { connect, STATELESS, textOf } from './clients.ts';
import type { Fetch } from './clients.ts';
import { createNotesServer, NOTES } from './fixture/notes-server.ts';

const MCP = new URL('https://example.com/mcp');
const KEY = 'a-key-of-the-tests-32-characters-long-and-more';

function setUp(options: SdkHandlerOptions = {}): {
	handler: SdkHandler;
	fetch: Fetch;
	errors: Error[];
} {
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const handler = createSdkHandler(createNotesServer, { onError, sessionKeys: [KEY], ...options });
	return { handler, errors, fetch: (request) => handler.fetch(request) };
}

describe('a stateless client', () => {
	it('calls a tool', async () => {
		const { errors, fetch } = setUp();
		const { client } = await connect(MCP, fetch, STATELESS);
		expect(textOf(await client.callTool({ name: 'greet', arguments: { name: 'Ada' } }))).toBe(
			'Hello, Ada!',
		);
		expect(textOf(await client.callTool({ name: 'who' }))).toBe('["modern","visitor"]');
		expect(errors).toEqual([]);
	});

	it('receives progress before the response', async () => {
		const { client } = await connect(MCP, setUp().fetch, STATELESS);
		const progress: number[] = [];
		const options = {
			onprogress: (each: { progress: number }) => void progress.push(each.progress),
		};
		expect(textOf(await client.callTool({ name: 'progress' }, options))).toBe('done');
		expect(progress).toEqual([1, 2, 3, 4, 5]);
	});

	it('receives what its subscription names, from calls and from notify', async () => {
		const { fetch, handler } = setUp();
		const { client } = await connect(MCP, fetch, STATELESS);
		const received: string[] = [];
		client.setNotificationHandler(
			'notifications/tools/list_changed',
			() => void received.push('tools'),
		);
		client.setNotificationHandler(
			'notifications/resources/updated',
			({ params }) => void received.push(params.uri),
		);
		await client.listen({ toolsListChanged: true, resourceSubscriptions: [NOTES] });
		await client.callTool({ name: 'announce' });
		await expect.poll(() => received).toEqual(['tools', NOTES]);
		await handler.notify.resourceUpdated('notes://other');
		await handler.notify.promptsChanged();
		await handler.notify.resourceUpdated(NOTES);
		await handler.notify.toolsChanged();
		await expect.poll(() => received).toEqual(['tools', NOTES, NOTES, 'tools']);
	});

	it('is neither acknowledged nor sent what authorizeSubscription denies', async () => {
		const { fetch, handler } = setUp({
			authorizeSubscription: (_principal, uri, { isStateless }) =>
				!isStateless || !uri.startsWith('secret:'),
		});
		const { client } = await connect(MCP, fetch, STATELESS);
		const received: string[] = [];
		client.setNotificationHandler(
			'notifications/resources/updated',
			({ params }) => void received.push(params.uri),
		);
		const subscription = await client.listen({ resourceSubscriptions: [NOTES, 'secret:a'] });
		expect(subscription.honoredFilter).toEqual({ resourceSubscriptions: [NOTES] });
		await handler.notify.resourceUpdated('secret:a');
		await handler.notify.resourceUpdated(NOTES);
		await expect.poll(() => received).toEqual([NOTES]);
	});

	it('gets an error for a result that breaks the outputSchema', async () => {
		const { client } = await connect(MCP, setUp().fetch, STATELESS);
		const broken = await client.callTool({ name: 'measure', arguments: { as: 'text' } });
		expect(broken.isError).toBe(true);
		expect(textOf(broken)).toMatch(/Invalid structured content for tool measure/);
	});

	it('gets a call as JSON if it accepts nothing else, although progress precedes it', async () => {
		const { fetch } = setUp();
		const params = {
			name: 'progress',
			arguments: {},
			_meta: {
				progressToken: 'p',
				'io.modelcontextprotocol/protocolVersion': '2026-07-28',
				'io.modelcontextprotocol/clientCapabilities': {},
			},
		};
		const response = await fetch(
			new Request(MCP, {
				method: 'POST',
				headers: {
					'content-type': 'application/json',
					accept: 'application/json',
					'mcp-protocol-version': '2026-07-28',
					'mcp-method': 'tools/call',
					'mcp-name': 'progress',
				},
				body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
			}),
		);
		expect(response.headers.get('content-type')).toBe('application/json');
		expect(textOf((await response.json<{ result: unknown }>()).result)).toBe('done');
	});

	it('is served although a proxy repeats its headers', async () => {
		const { fetch } = setUp();
		const repeated: Fetch = (request) => {
			const headers = new Headers(request.headers);
			for (const name of ['mcp-protocol-version', 'mcp-method', 'mcp-name']) {
				const value = headers.get(name);
				if (value !== null) headers.append(name, value);
			}
			return fetch(new Request(request, { headers }));
		};
		const { client } = await connect(MCP, repeated, STATELESS);
		const greet = { name: 'greet', arguments: { name: 'Ada' } };
		expect(textOf(await client.callTool(greet))).toBe('Hello, Ada!');
	});
});
