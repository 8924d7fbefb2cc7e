import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { McpServer } from '@modelcontextprotocol/server';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createEventBus, createSdkHandler } from '@tmcp-sessions/sdk';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import { describe, expect, it, vi } from 'vitest';

import { connect, STATELESS } from './clients.ts';
import type { Fetch } from './clients.ts';

const MCP = new URL('https://example.com/mcp');
const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
const INFO = { name: 'mistaken', version: '1.0.0' };

function setUp(factory: unknown): { fetch: Fetch; errors: string[] } {
	const errors: string[] = [];
	// Safe because the factories are wrong on purpose.
	const handler = createSdkHandler(factory as McpServerFactory, {
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
		onError: ({ message }) => void errors.push(message),
		sessionKeys: [KEY],
	});
	return { errors, fetch: (request) => handler.fetch(request) };
}

describe.each([
	{ era: 'session-based', options: {} },
	{ era: 'stateless', options: STATELESS },
])('a $era request', ({ options }) => {
	it('is rejected, and reports what to do, if the factory returns a server of SDK 1.x', async () => {
		const { errors, fetch } = setUp(() => new McpServer1(INFO));
		await expect(connect(MCP, fetch, options)).rejects.toThrow(/misconfigured|500/i);
		expect(errors[0]).toMatch(/SDK 1|sdk 1\.x: run npm i @modelcontextprotocol\/server/);
	});

	it('is rejected if the factory returns the same server twice', async () => {
		const server = new McpServer(INFO, { capabilities: { tools: {} } });
		const { errors, fetch } = setUp(() => server);
		const calling = async (): Promise<unknown> => {
			const { client } = await connect(MCP, fetch, options);
			return client.listTools();
		};
		await expect(calling()).rejects.toThrow(/misconfigured|500/i);
		expect(errors[0]).toContain('must return a new server for each message; got one that it has');
	});

	it('is rejected if the factory throws, and reports why', async () => {
		const { errors, fetch } = setUp(() => {
			throw new Error('no database');
		});
		await expect(connect(MCP, fetch, options)).rejects.not.toThrow('no database');
		expect(errors[0]).toContain('the factory of createSdkHandler created no server: no database');
	});

	it('is rejected if the factory is slow', async () => {
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
		try {
			const called = Promise.withResolvers<void>();
			const { errors, fetch } = setUp(() => {
				called.resolve();
				return new Promise(() => {});
			});
			const outcomes: string[] = [];
			connect(MCP, fetch, options).then(
				() => outcomes.push('connected'),
				() => outcomes.push('rejected'),
			);
			// Otherwise the client may give up before the 10 s of the factory have begun.
			await called.promise;
			while (outcomes.length === 0) await vi.advanceTimersByTimeAsync(1_000);
			expect(outcomes).toEqual(['rejected']);
			expect(errors[0]).toContain('created no server: it takes longer than 10 s');
		} finally {
			vi.useRealTimers();
		}
	});
});

it.each([
	{ found: new McpServer(INFO), message: 'got a value of type object. Write () => createServer()' },
	{ found: null, message: 'got null' },
])('createSdkHandler rejects a value that is not a function: $message', ({ found, message }) => {
	// Safe because the value is wrong on purpose.
	expect(() => createSdkHandler(found as unknown as McpServerFactory)).toThrow(message);
});

it('createSdkHandler names its own option for one of the SDK', () => {
	const options = { bus: {} } as object;
	expect(() => createSdkHandler(() => new McpServer(INFO), options)).toThrow(
		'createSdkHandler has no option bus; did you mean subscriptions?',
	);
});

it('createEventBus rejects a manager that delivers no updates of unnamed uris', () => {
	expect(() => createEventBus(new InMemorySubscriptionManager())).toThrow(
		'needs a subscription manager that delivers the updates of every uri; got InMemorySubscriptionManager',
	);
});
