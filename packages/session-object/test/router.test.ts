import type { McpHandler } from '@tmcp-sessions/http';
import { objectName, createSessionRouter } from '@tmcp-sessions/session-object';
import type { Identity } from '@tmcp-sessions/session-object';
import { evictDurableObject, runDurableObjectAlarm, SELF } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client, PARAMS } from './fixture/client.ts';
import { objectCount, objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

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

describe('an initialize that is spelled so that the Worker does not know it', () => {
	const send = async (client: Client): Promise<{ status: number; session: string | null }> => {
		const message = { jsonrpc: '2.0', id: 1, method: 'initialize', params: PARAMS };
		const response = await SELF.fetch('https://mcp.example/mcp', {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				...(client.session !== undefined && { 'mcp-session-id': client.session }),
			},
			body: JSON.stringify(message).replace('"initialize"', String.raw`"\u0069nitialize"`),
		});
		await response.text();
		return { status: response.status, session: response.headers.get('mcp-session-id') };
	};

	it('opens no session under the id of one that has ended', async () => {
		const client = await Client.open();
		await client.send('DELETE');
		world.skewMs = 31_000;
		await runDurableObjectAlarm(objectOf(client));
		expect((await send(client)).session).not.toBe(client.session);
		expect((await client.ask('ping')).status).toBe(404);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('does not begin the time of a live session anew', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect((await send(client)).session).not.toBe(client.session);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('opens another one, as any initialize does', async () => {
		for (const client of [new Client(), await Client.open()]) {
			const opened = await send(client);
			expect(opened.status).toBe(200);
			expect(opened.session).toMatch(/^1\./);
			expect(opened.session).not.toBe(client.session);
		}
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
	it('is told which revisions have sessions, where each session has an object', async () => {
		const before = await objectCount();
		const response = await new Client().sendStateless('tools/call', { name: 'list_notes' });
		expect(response.status).toBe(400);
		const { error } = await response.json<{ error: { code: number; data: object } }>();
		expect(error.code).toBe(-32022);
		expect(error.data).toMatchObject({ supported: expect.arrayContaining(['2025-11-25']) });
		expect(await objectCount()).toBe(before);
	});

	it('that listens is told at its end which server that was, and not of the router', async () => {
		const [workspaceId, clientId] = ['listening', 'client'];
		const client = new Client('/identity', { authorization: `${workspaceId}/${clientId}` });
		const response = await client.sendStateless(
			'subscriptions/listen',
			{ notifications: { toolsListChanged: true } },
			'listener',
		);
		const stream = new Stream(response);
		await stream.until('notifications/subscriptions/acknowledged');
		// At its absolute time the object ends, and all that is open with it.
		const stub = env.SESSIONS.getByName(await objectName({ workspaceId, clientId }));
		world.skewMs = 31 * DAY_MS;
		await runDurableObjectAlarm(stub);
		world.skewMs += HOUR_MS;
		await runDurableObjectAlarm(stub);
		await expect.poll(() => stream.isOver).toBe(true);
		const [, end = ''] = /^data: (.*"id":"listener".*)$/m.exec(stream.text) ?? [];
		const { result } = JSON.parse(end) as { result: { _meta: object } };
		expect(result._meta).toEqual({
			'io.modelcontextprotocol/subscriptionId': 'listener',
			'io.modelcontextprotocol/serverInfo': { name: 'notes', version: '1.0.0' },
		});
	});

	it('finds the state of its identity, and what a session has stored', async () => {
		const headers = { authorization: 'both/eras' };
		const session = await Client.open('/identity', headers);
		await session.call('add_note', { text: 'milk' });
		const client = new Client('/identity', headers);
		await client.callStateless('add_note', { text: 'bread' });
		expect(await client.callStateless('list_notes')).toContain('[\\"milk\\",\\"bread\\"]');
		expect(await session.call('list_notes')).toBe('["milk","bread"]');
	});

	it('leaves nothing behind for ever, where no session was ever opened', async () => {
		const client = new Client('/identity', { authorization: 'stateless/only' });
		await client.callStateless('add_note', { text: 'milk' });
		const name = await objectName({ workspaceId: 'stateless', clientId: 'only' });
		const object = env.SESSIONS.getByName(name);
		expect(await tablesOf(object)).not.toEqual([]);
		world.skewMs = 86_401_000;
		expect(await runDurableObjectAlarm(object)).toBe(true);
		expect(await tablesOf(object)).toEqual([]);
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
		await expect(objectName(identity)).rejects.toThrow(/identify must return a .*Id of 1 to 1024/);
	});
});

describe('new objects', () => {
	/** The namespace of the tests, which notes where its objects are asked for. */
	function noted(): { namespace: object; asked: unknown[] } {
		const asked: unknown[] = [];
		const of = (target: typeof env.SESSIONS): object => ({
			newUniqueId: () => target.newUniqueId(),
			idFromName: (name: string) => target.idFromName(name),
			idFromString: (id: string) => target.idFromString(id),
			get: (id: DurableObjectId, options: object) => (asked.push(options), target.get(id, options)),
			getByName: (name: string, options: object) => (
				asked.push(options),
				target.getByName(name, options)
			),
			// workerd on a machine of one's own knows no jurisdictions.
			jurisdiction: (name: string) => (asked.push(name), of(target)),
		});
		return { namespace: of(env.SESSIONS), asked };
	}

	async function initialize(router: Pick<McpHandler, 'fetch'>): Promise<number> {
		const request = new Request('https://mcp.example/mcp', {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
			},
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: PARAMS }),
		});
		const response = await router.fetch(request, env, { waitUntil() {} });
		await response.text();
		return response.status;
	}

	const identify = (): Identity => ({ clientId: 'placed', workspaceId: crypto.randomUUID() });

	it.each([
		['of each session', {}],
		['of identities', { identify }],
	])('%s are made near the location hint', async (_what, options) => {
		const { namespace, asked } = noted();
		const router = createSessionRouter({ object: namespace, locationHint: 'weur', ...options });
		expect(await initialize(router)).toBe(200);
		expect(asked).toEqual([{ locationHint: 'weur' }]);
	});

	it.each([
		['of each session', {}],
		['of identities', { identify }],
	])('%s are made in the jurisdiction, and found there', async (_what, options) => {
		const { namespace, asked } = noted();
		const router = createSessionRouter({ object: namespace, jurisdiction: 'eu', ...options });
		expect(await initialize(router)).toBe(200);
		expect(asked).toEqual(['eu', {}]);
	});
});
