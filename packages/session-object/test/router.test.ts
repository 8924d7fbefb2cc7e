import { objectName } from '@tmcp-sessions/session-object';
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';

import { Client, PARAMS } from './fixture/client.ts';
import { objectCount, objectOf } from './fixture/objects.ts';
import { world } from './fixture/test-session.ts';

describe('a session with an object of its own', () => {
	it('answers calls from its state, and no other session sees it', async () => {
		const [one, other] = await Promise.all([Client.open(), Client.open()]);
		expect(await one.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(await one.call('add_note', { text: 'bread' })).toBe('2 notes');
		expect(await one.call('list_notes')).toBe('["milk","bread"]');
		expect(await other.call('list_notes')).toBe('[]');
	});

	it('takes a message of several lines as it is', async () => {
		const client = await Client.open();
		const params = { name: 'add_note', arguments: { text: 'two\nlines, "quoted" \\' } };
		const message = { jsonrpc: '2.0', id: 7, method: 'tools/call', params };
		const answer = await client.send('POST', JSON.stringify(message, null, '\n'));
		expect(await answer.text()).toContain('1 notes');
		expect(await client.call('list_notes')).toBe(JSON.stringify([params.arguments.text]));
	});

	it('is gone for everybody once it was ended', async () => {
		const client = await Client.open();
		expect((await client.send('DELETE')).status).toBe(200);
		expect((await client.ask('ping')).status).toBe(404);
		expect((await client.send('GET')).status).toBe(404);
		expect((await client.send('DELETE')).status).toBe(404);
	});
});

describe('what creates no object', () => {
	it.each([
		['no id', undefined, 400],
		['a made up id', '1.abc.def', 404],
		['no ASCII', 'ü', 400],
	])('%s', async (_what, session, status) => {
		const before = await objectCount();
		const client = new Client();
		client.session = session;
		expect((await client.ask('tools/list')).status).toBe(status);
		expect((await client.send('DELETE')).status).toBe(status);
		expect((await client.send('GET')).status).toBe(status);
		expect(await objectCount()).toBe(before);
	});

	it('an id whose object was exchanged for that of another session, which is not woken', async () => {
		const [one, other] = await Promise.all([Client.open(), Client.open()]);
		const [mine, theirs] = [one.session ?? '', other.session ?? ''];
		await evictDurableObject(objectOf(other));
		const before = world.instances;
		const client = new Client();
		client.session = mine.slice(0, mine.lastIndexOf('.')) + theirs.slice(theirs.lastIndexOf('.'));
		expect((await client.ask('tools/list')).status).toBe(404);
		expect(world.instances).toBe(before);
	});

	it.each([
		['another method', 'tools/list', {}, 400],
		['no client', 'initialize', { protocolVersion: '2025-06-18', capabilities: {} }, 400],
		['no params', 'initialize', {}, 400],
		['too much', 'initialize', { ...PARAMS, capabilities: { x: 'x'.repeat(20_000) } }, 400],
	])('an initialize that is none: %s', async (_what, method, params, status) => {
		const before = await objectCount();
		const answer = await new Client().ask(method, params);
		expect(answer.status, answer.text).toBe(status);
		expect(answer.session).toBeNull();
		expect(await objectCount()).toBe(before);
	});

	it('an identity that is none, and one whose id is of another', async () => {
		const before = await objectCount();
		const nobody = new Client('/identity');
		expect((await nobody.initialize()).status).toBe(404);
		const [one, other] = [
			new Client('/identity', { authorization: 'team/one' }),
			new Client('/identity', { authorization: 'team/two' }),
		];
		await one.initialize();
		expect(await objectCount()).toBe(before + 1);
		other.session = one.session;
		expect((await other.ask('tools/list')).status).toBe(404);
		expect(await objectCount()).toBe(before + 1);
	});
});

describe('a request of the stateless era', () => {
	const VERSION = '2026-07-28';
	const stateless = (client: Client, name: string, args: object = {}): Promise<Response> =>
		client.send(
			'POST',
			{
				...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
				params: {
					...{ name, arguments: args },
					_meta: {
						'io.modelcontextprotocol/protocolVersion': VERSION,
						'io.modelcontextprotocol/clientCapabilities': {},
					},
				},
			},
			{ 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': name },
		);

	it('is told which revisions have sessions, where each session has an object', async () => {
		const before = await objectCount();
		const response = await stateless(new Client(), 'list_notes');
		expect(response.status).toBe(400);
		const { error } = await response.json<{ error: { code: number; data: object } }>();
		expect(error.code).toBe(-32022);
		expect(error.data).toMatchObject({ supported: expect.arrayContaining(['2025-11-25']) });
		expect(await objectCount()).toBe(before);
	});

	it('finds the state of its identity, and what a session has stored', async () => {
		const headers = { authorization: 'both/eras' };
		const session = await Client.open('/identity', headers);
		await session.call('add_note', { text: 'milk' });
		const client = new Client('/identity', headers);
		await (await stateless(client, 'add_note', { text: 'bread' })).text();
		expect(await (await stateless(client, 'list_notes')).text()).toContain(
			'[\\"milk\\",\\"bread\\"]',
		);
		expect(await session.call('list_notes')).toBe('["milk","bread"]');
	});
});

describe('an identity', () => {
	it('has one object for all of its sessions, and another for each client of its workspace', async () => {
		const open = (who: string): Promise<Client> => Client.open('/identity', { authorization: who });
		const [laptop, again, phone] = [
			await open('anna/laptop'),
			await open('anna/laptop'),
			await open('anna/phone'),
		];
		await laptop.call('add_note', { text: 'milk' });
		expect(await again.call('list_notes')).toBe('["milk"]');
		expect(await phone.call('list_notes')).toBe('[]');
		await laptop.send('DELETE');
		expect((await laptop.ask('ping')).status).toBe(404);
		expect(await again.call('list_notes')).toBe('["milk"]');
	});

	it('two Workers that route its first initialize at once meet in one object', async () => {
		const before = await objectCount();
		const clients = await Promise.all(
			Array.from({ length: 8 }, () => Client.open('/identity', { authorization: 'race/client' })),
		);
		expect(await objectCount()).toBe(before + 1);
		expect(new Set(clients.map(({ session }) => session)).size).toBe(8);
		await clients[0]?.call('add_note', { text: 'one' });
		expect(await clients[7]?.call('list_notes')).toBe('["one"]');
	});

	it('has an object name that never changes', async () => {
		expect(await objectName({ clientId: 'client', workspaceId: 'workspace' })).toBe(
			'v1:737f702b80e5573dcee66f1bb5a71107bfcee31f38230c97c9530cd9b6c930ff',
		);
		expect(await objectName({ clientId: 'ü"[]', workspaceId: 'b\u0000c' })).toBe(
			'v1:7e440173b4df5315b5ab1745e7ad64f08aed23294443018a5147f48108fe2d56',
		);
	});

	it('cannot be written so that it passes for another', async () => {
		const names = await Promise.all([
			objectName({ clientId: 'a', workspaceId: 'b' }),
			objectName({ clientId: 'b', workspaceId: 'a' }),
			objectName({ clientId: 'a","b', workspaceId: 'c' }),
			objectName({ clientId: 'c', workspaceId: 'a","b' }),
		]);
		expect(new Set(names).size).toBe(4);
	});

	it.each([
		{ clientId: '', workspaceId: 'b' },
		{ clientId: 'a', workspaceId: '\ud800' },
		{ clientId: 'a', workspaceId: 'x'.repeat(1_025) },
	])('is refused where it is none', async (identity) => {
		await expect(objectName(identity)).rejects.toThrow(/identify must give a .*Id of 1 to 1024/);
	});
});
