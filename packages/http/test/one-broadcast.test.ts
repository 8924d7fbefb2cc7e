import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemorySubscriptionManager } from '@tmcp/session-manager';
import { McpServer } from 'tmcp';
import { resource } from 'tmcp/utils';
import { describe, expect, it } from 'vitest';

const URI = 'test://a';

/** A server whose managers note what they are told, turn by turn. */
function newServer(lookUp: () => Promise<string[]>) {
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
	server.resource({ name: 'a', description: 'To subscribe to', uri: URI }, () =>
		resource.text(URI, 'a'),
	);
	const turns: string[][] = [];
	let turn: string[] | undefined;
	const note = (what: string): void => {
		if (!turn) {
			const begun: string[] = [];
			turns.push(begun);
			turn = begun;
			queueMicrotask(() => (turn = undefined));
		}
		turn.push(what);
	};
	class Streams extends InMemoryStreamSessionManager {
		override send(): void {
			note('sessions');
		}
	}
	class Subscriptions extends InMemorySubscriptionManager {
		override async send(): Promise<void> {
			note('listeners');
		}
	}
	class Info extends StoredInfoSessionManager {
		override getSubscriptions(): Promise<string[]> {
			return lookUp();
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

const afterMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('one change of the server', () => {
	it('is told to sessions and to listeners in one turn, however long it takes to find the subscribers', async () => {
		const { server, turns } = newServer(async () => {
			await afterMs(20);
			return ['session'];
		});
		await afterMs(0);
		server.changed('tools');
		expect(turns).toEqual([['listeners', 'sessions']]);
		await afterMs(0);
		server.changed('resource', URI);
		await afterMs(40);
		expect(turns.slice(1)).toEqual([['listeners', 'sessions']]);
	});

	it('is told to listeners where nobody can say who the subscribers are', async () => {
		const { server, turns, errors } = newServer(async () => {
			throw new Error('the store is down');
		});
		await afterMs(0);
		server.changed('resource', URI);
		await afterMs(10);
		expect(turns).toEqual([['listeners']]);
		expect(errors).toEqual(['the store is down']);
	});

	it('does not wait for another one', async () => {
		const { server, turns } = newServer(() => new Promise(() => {}));
		await afterMs(0);
		server.changed('resource', URI);
		await afterMs(0);
		server.changed('tools');
		await afterMs(0);
		expect(turns).toEqual([['listeners', 'sessions']]);
	});
});
