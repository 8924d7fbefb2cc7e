import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import { describe, expect, it } from 'vitest';

import { open, post, setUp } from './local-handler.ts';

const URI = 'test://a';

/** Creates a server whose managers record the broadcasts of each turn of the event loop. */
function createServer(findSubscribers: () => Promise<string[]>) {
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{
			adapter: undefined,
			capabilities: {
				resources: { subscribe: true, listChanged: true },
				tools: { listChanged: true },
			},
		},
	);
	server.resource({ name: 'a', description: 'A resource', uri: URI }, () =>
		resource.text(URI, 'a'),
	);
	const turns: string[][] = [];
	let turn: string[] | undefined;
	const record = (target: string): void => {
		if (!turn) {
			const started: string[] = [];
			turns.push(started);
			turn = started;
			queueMicrotask(() => (turn = undefined));
		}
		turn.push(target);
	};
	class Streams extends InMemoryStreamSessionManager {
		override send(): void {
			record('sessions');
		}
	}
	class Subscriptions extends InMemorySubscriptionManager {
		override async send(): Promise<void> {
			record('subscriptions');
		}
	}
	class Info extends StoredInfoSessionManager {
		override getSubscriptions(): Promise<string[]> {
			return findSubscribers();
		}
	}
	const errors: string[] = [];
	createMcpHandler(server, {
		streams: new Streams(),
		subscriptions: new Subscriptions(),
		info: new Info(new InMemorySessionStore()),
		sessionKeys: ['a-key-of-the-tests-32-characters-long-and-more'],
		onError: (error) => void errors.push(error.message),
	});
	return { server, turns, errors };
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a change of the server', () => {
	it('reaches sessions and subscriptions in the same turn, even if finding the subscribers takes a while', async () => {
		const { server, turns } = createServer(async () => {
			await delay(20);
			return ['session'];
		});
		await delay(0);
		server.changed('tools');
		expect(turns).toEqual([['subscriptions', 'sessions']]);
		await delay(0);
		server.changed('resource', URI);
		await delay(40);
		expect(turns.slice(1)).toEqual([['subscriptions', 'sessions']]);
	});

	it('reaches subscriptions even if the subscribed sessions cannot be found', async () => {
		const { server, turns, errors } = createServer(async () => {
			throw new Error('the store is down');
		});
		await delay(0);
		server.changed('resource', URI);
		await delay(10);
		expect(turns).toEqual([['subscriptions']]);
		expect(errors).toEqual(['the store is down']);
	});

	it('is sent after the updates that its request has raised before, however long their lookups take', async () => {
		const uris = ['test://slow', 'test://failing', 'test://fast'];
		const lookups = uris.map(() => Promise.withResolvers<string[]>());
		class Info extends StoredInfoSessionManager {
			override async getSubscriptions(uri: string): Promise<string[]> {
				return lookups[uris.indexOf(uri)]?.promise ?? [];
			}
		}
		const sent: string[] = [];
		const uriIn = (text: string): string => /test:\/\/\w+/.exec(text)?.[0] ?? '';
		class Streams extends InMemoryStreamSessionManager {
			override send(_sessions: string[] | undefined, frame: string): void {
				sent.push(`session ${uriIn(frame)}`);
			}
		}
		class Subscriptions extends InMemorySubscriptionManager {
			override async send(message: object): Promise<void> {
				sent.push(`subscription ${uriIn(JSON.stringify(message))}`);
			}
		}
		const server = new McpServer(
			{ name: 'test', version: '1.0.0' },
			{ adapter: undefined, capabilities: { resources: { subscribe: true }, tools: {} } },
		);
		for (const uri of uris) {
			server.resource({ name: uri, description: 'A resource', uri }, () => resource.text(uri, 'a'));
		}
		server.tool({ name: 'change', description: 'Changes three resources' }, () => {
			for (const uri of uris) server.changed('resource', uri);
			return tool.text('changed');
		});
		const { mcp } = setUp(
			{
				streams: new Streams(),
				subscriptions: new Subscriptions(),
				info: new Info(new InMemorySessionStore()),
			},
			server,
		);
		const session = await open(mcp);
		const call = { id: 2, method: 'tools/call', params: { name: 'change', arguments: {} } };
		await mcp.fetch(post(call, session));
		const [slow, failing, fast] = lookups;
		fast?.resolve(['session']);
		failing?.reject(new Error('the store is down'));
		await delay(0);
		expect(sent).toEqual([]);
		slow?.resolve(['session']);
		await delay(0);
		expect(sent).toEqual([
			'subscription test://slow',
			'session test://slow',
			'subscription test://failing',
			'subscription test://fast',
			'session test://fast',
		]);
	});

	it('does not wait for the lookup of an earlier change', async () => {
		const { server, turns } = createServer(() => new Promise(() => {}));
		await delay(0);
		server.changed('resource', URI);
		await delay(0);
		server.changed('tools');
		await delay(0);
		expect(turns).toEqual([['subscriptions', 'sessions']]);
	});
});
