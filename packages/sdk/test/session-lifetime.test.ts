import { McpServer } from '@modelcontextprotocol/server';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createSdkHandler } from '@tmcp-sessions/sdk';
import type { SdkHandlerOptions } from '@tmcp-sessions/sdk';
import { sessionState } from '@tmcp-sessions/state';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { connect, STATELESS, textOf } from './clients.ts';
import type { Fetch } from './clients.ts';
import { createNotesServer } from './fixture/notes-server.ts';

const MCP = new URL('https://example.com/mcp');
const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
const IDLE_SECONDS = 60;
const START_MS = Date.UTC(2026, 0, 1);

/** Serves sessions whose time stands still until a test moves it. */
class TimedDeployment {
	nowMs = START_MS;
	readonly errors: Error[] = [];
	readonly info: StoredInfoSessionManager;

	constructor() {
		const now = (): number => this.nowMs;
		this.info = new StoredInfoSessionManager(new InMemorySessionStore({ now }), {
			now,
			idleSeconds: IDLE_SECONDS,
		});
	}

	/** Returns the fetch of a user. */
	serve(factory: McpServerFactory, options: SdkHandlerOptions = {}): (user: string) => Fetch {
		const handler = createSdkHandler(factory, {
			info: this.info,
			sessionKeys: [KEY],
			principal: (request) => request.headers.get('x-user') ?? 'anonymous',
			onError: (error) => void this.errors.push(error),
			...options,
		});
		return (user) => (request) => {
			const headers = new Headers(request.headers);
			headers.set('x-user', user);
			return handler.fetch(new Request(request, { headers }));
		};
	}
}

const greet = { name: 'greet', arguments: { name: 'Ada' } };

describe('a session of a server of the SDK', () => {
	it('is extended by each request, and is unknown after it has been idle too long', async () => {
		const deployment = new TimedDeployment();
		const { client } = await connect(MCP, deployment.serve(createNotesServer)('ann'));
		for (let round = 0; round < 3; round++) {
			deployment.nowMs += (IDLE_SECONDS - 1) * 1_000;
			expect(textOf(await client.callTool(greet))).toBe('Hello, Ada!');
		}
		deployment.nowMs += (IDLE_SECONDS + 1) * 1_000;
		await expect(client.callTool(greet)).rejects.toThrow(/unknown or has ended/);
		expect(deployment.errors).toEqual([]);
	});

	it('is unknown to any principal but the one that opened it', async () => {
		const serve = new TimedDeployment().serve(createNotesServer);
		let user = 'ann';
		const { client } = await connect(MCP, (request) => serve(user)(request));
		user = 'bob';
		await expect(client.callTool(greet)).rejects.toThrow(/unknown or has ended/);
		user = 'ann';
		expect(textOf(await client.callTool(greet))).toBe('Hello, Ada!');
	});

	it('holds the state of its tools; a stateless client gets its own handle', async () => {
		const deployment = new TimedDeployment();
		const drafts = sessionState(deployment.info, { draft: z.string() });
		const serve = deployment.serve(() => {
			const server = new McpServer({ name: 'drafts', version: '1.0.0' });
			const inputSchema = z.object({ line: z.string(), handle: z.string().optional() });
			server.registerTool('add', { inputSchema }, async ({ line, handle }) => {
				const state = await drafts.open(handle);
				const draft = await state.update('draft', (before = '') => `${before}${line};`);
				return { content: [{ type: 'text', text: JSON.stringify([draft, state.handle]) }] };
			});
			return server;
		});
		const add = async (of: { client: object }, args: object): Promise<[string, string?]> => {
			// Safe because both clients are official ones, and the tool returns this.
			const { client } = of as Awaited<ReturnType<typeof connect>>;
			const result = await client.callTool({ name: 'add', arguments: { ...args } });
			return JSON.parse(textOf(result)) as [string, string?];
		};
		const [ann, bob] = [await connect(MCP, serve('ann')), await connect(MCP, serve('bob'))];
		await add(ann, { line: 'one' });
		expect((await add(bob, { line: 'other' }))[0]).toBe('other;');
		expect(await add(ann, { line: 'two' })).toEqual(['one;two;', null]);
		const stateless = await connect(MCP, serve('ann'), STATELESS);
		const [, handle] = await add(stateless, { line: 'three' });
		expect(await add(stateless, { line: 'four', handle })).toEqual(['three;four;', handle]);
		expect(deployment.errors).toEqual([]);
	});
});
