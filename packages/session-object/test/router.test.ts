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
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('a session with its own object', () => {
	it('serves calls from its state, which other sessions cannot read', async () => {
		const [one, other] = await Promise.all([Client.open(), Client.open()]);
		expect(await one.call('add_note', { text: 'milk' })).toBe('1 notes');
		expect(await one.call('add_note', { text: 'bread' })).toBe('2 notes');
		expect(await one.call('list_notes')).toBe('["milk","bread"]');
		expect(await other.call('list_notes')).toBe('[]');
	});

	it('accepts a message of several lines unchanged', async () => {
		const client = await Client.open();
		const params = { name: 'add_note', arguments: { text: 'two\nlines, "quoted" \\' } };
		const message = { jsonrpc: '2.0', id: 7, method: 'tools/call', params };
		const response = await client.send('POST', JSON.stringify(message, null, '\n'));
		expect(await response.text()).toContain('1 notes');
		expect(await client.call('list_notes')).toBe(JSON.stringify([params.arguments.text]));
	});

	it('responds 404 to every method after its client ends it', async () => {
		const client = await Client.open();
		expect((await client.send('DELETE')).status).toBe(200);
		expect((await client.request('ping')).status).toBe(404);
		expect((await client.send('GET')).status).toBe(404);
		expect((await client.send('DELETE')).status).toBe(404);
	});
});

describe('an initialize request that the Worker cannot recognize', () => {
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

	it('does not open a session with the id of an ended one', async () => {
		const client = await Client.open();
		await client.send('DELETE');
		testState.skewMs = 31_000;
		await runDurableObjectAlarm(objectOf(client));
		expect((await send(client)).session).not.toBe(client.session);
		expect((await client.request('ping')).status).toBe(404);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('does not restart a live session', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect((await send(client)).session).not.toBe(client.session);
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('opens a new session, as every initialize request does', async () => {
		for (const client of [new Client(), await Client.open()]) {
			const opened = await send(client);
			expect(opened.status).toBe(200);
			expect(opened.session).toMatch(/^1\./);
			expect(opened.session).not.toBe(client.session);
		}
	});
});

describe('the router creates no object for', () => {
	it.each([
		['a request without a session id', undefined, 400],
		['an invented session id', '1.abc.def', 404],
		['a session id that is not ASCII', 'ü', 400],
	])('%s', async (_case, session, status) => {
		const before = await objectCount();
		const client = new Client();
		client.session = session;
		expect((await client.request('tools/list')).status).toBe(status);
		expect((await client.send('DELETE')).status).toBe(status);
		expect((await client.send('GET')).status).toBe(status);
		expect(await objectCount()).toBe(before);
	});

	it('a session id with the object id of another session, which it does not start', async () => {
		const [one, other] = await Promise.all([Client.open(), Client.open()]);
		const [own, foreign] = [one.session ?? '', other.session ?? ''];
		await evictDurableObject(objectOf(other));
		const before = testState.instances;
		const client = new Client();
		client.session = own.slice(0, own.lastIndexOf('.')) + foreign.slice(foreign.lastIndexOf('.'));
		expect((await client.request('tools/list')).status).toBe(404);
		expect(testState.instances).toBe(before);
	});

	it.each([
		['another method', 'tools/list', {}, 400],
		['no client info', 'initialize', { protocolVersion: '2025-06-18', capabilities: {} }, 400],
		['no params', 'initialize', {}, 400],
		[
			'params over the size limit',
			'initialize',
			{ ...PARAMS, capabilities: { x: 'x'.repeat(20_000) } },
			400,
		],
	])('an invalid initialize request: %s', async (_case, method, params, status) => {
		const before = await objectCount();
		const response = await new Client().request(method, params);
		expect(response.status, response.text).toBe(status);
		expect(response.session).toBeNull();
		expect(await objectCount()).toBe(before);
	});

	it('a request without an identity, and a session id of another identity', async () => {
		const before = await objectCount();
		const anonymous = new Client('/identity');
		expect((await anonymous.initialize()).status).toBe(404);
		const [one, other] = [
			new Client('/identity', { authorization: 'team/one' }),
			new Client('/identity', { authorization: 'team/two' }),
		];
		await one.initialize();
		expect(await objectCount()).toBe(before + 1);
		other.session = one.session;
		expect((await other.request('tools/list')).status).toBe(404);
		expect(await objectCount()).toBe(before + 1);
	});
});

describe('a request of the stateless era', () => {
	it('is rejected with the session-based revisions if each session has an object', async () => {
		const before = await objectCount();
		const response = await new Client().sendStateless('tools/call', { name: 'list_notes' });
		expect(response.status).toBe(400);
		const { error } = await response.json<{ error: { code: number; data: object } }>();
		expect(error.code).toBe(-32022);
		expect(error.data).toMatchObject({ supported: expect.arrayContaining(['2025-11-25']) });
		expect(await objectCount()).toBe(before);
	});

	it('ends a subscription with the server info of the object, not of the router', async () => {
		const [workspaceId, clientId] = ['listening', 'client'];
		const client = new Client('/identity', { authorization: `${workspaceId}/${clientId}` });
		const response = await client.sendStateless(
			'subscriptions/listen',
			{ notifications: { toolsListChanged: true } },
			'subscription',
		);
		const stream = new Stream(response);
		await stream.until('notifications/subscriptions/acknowledged');
		// At its absolute time the object is deleted, and its subscriptions end.
		const stub = env.SESSIONS.getByName(await objectName({ workspaceId, clientId }));
		testState.skewMs = 31 * DAY_MS;
		await runDurableObjectAlarm(stub);
		testState.skewMs += HOUR_MS;
		await runDurableObjectAlarm(stub);
		await expect.poll(() => stream.hasEnded).toBe(true);
		const [, end = ''] = /^data: (.*"id":"subscription".*)$/m.exec(stream.text) ?? [];
		const { result } = JSON.parse(end) as { result: { _meta: object } };
		expect(result._meta).toEqual({
			'io.modelcontextprotocol/subscriptionId': 'subscription',
			'io.modelcontextprotocol/serverInfo': { name: 'notes', version: '1.0.0' },
		});
	});

	it('reads the state of its identity, including what a session has stored', async () => {
		const headers = { authorization: 'both/eras' };
		const session = await Client.open('/identity', headers);
		await session.call('add_note', { text: 'milk' });
		const client = new Client('/identity', headers);
		await client.callStateless('add_note', { text: 'bread' });
		expect(await client.callStateless('list_notes')).toContain('[\\"milk\\",\\"bread\\"]');
		expect(await session.call('list_notes')).toBe('["milk","bread"]');
	});

	it('leaves no storage after a day if its identity never opened a session', async () => {
		const client = new Client('/identity', { authorization: 'stateless/only' });
		await client.callStateless('add_note', { text: 'milk' });
		const name = await objectName({ workspaceId: 'stateless', clientId: 'only' });
		const object = env.SESSIONS.getByName(name);
		expect(await tablesOf(object)).not.toEqual([]);
		testState.skewMs = 86_401_000;
		expect(await runDurableObjectAlarm(object)).toBe(true);
		expect(await tablesOf(object)).toEqual([]);
	});
});

describe('an identity', () => {
	it('has one object for all of its sessions, and another for each client of its workspace', async () => {
		const open = (authorization: string): Promise<Client> =>
			Client.open('/identity', { authorization });
		const [laptop, again, phone] = [
			await open('anna/laptop'),
			await open('anna/laptop'),
			await open('anna/phone'),
		];
		await laptop.call('add_note', { text: 'milk' });
		expect(await again.call('list_notes')).toBe('["milk"]');
		expect(await phone.call('list_notes')).toBe('[]');
		await laptop.send('DELETE');
		expect((await laptop.request('ping')).status).toBe(404);
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

	it('cannot be written so that its object name equals that of another', async () => {
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
	])('is rejected if it is invalid: %j', async (identity) => {
		await expect(objectName(identity)).rejects.toThrow(/identify must return a .*Id of 1 to 1024/);
	});
});

describe('new objects', () => {
	/** Wraps the namespace, and records the options with which objects are obtained. */
	function recordNamespace(): { namespace: object; recorded: unknown[] } {
		const recorded: unknown[] = [];
		const wrap = (target: typeof env.SESSIONS): object => ({
			newUniqueId: () => target.newUniqueId(),
			idFromName: (name: string) => target.idFromName(name),
			idFromString: (id: string) => target.idFromString(id),
			get: (id: DurableObjectId, options: object) => (
				recorded.push(options),
				target.get(id, options)
			),
			getByName: (name: string, options: object) => (
				recorded.push(options),
				target.getByName(name, options)
			),
			// A local workerd supports no jurisdictions.
			jurisdiction: (name: string) => (recorded.push(name), wrap(target)),
		});
		return { namespace: wrap(env.SESSIONS), recorded };
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
	])('%s are created near the location hint', async (_case, options) => {
		const { namespace, recorded } = recordNamespace();
		const router = createSessionRouter({ object: namespace, locationHint: 'weur', ...options });
		expect(await initialize(router)).toBe(200);
		expect(recorded).toEqual([{ locationHint: 'weur' }]);
	});

	it.each([
		['of each session', {}],
		['of identities', { identify }],
	])('%s are created in the jurisdiction', async (_case, options) => {
		const { namespace, recorded } = recordNamespace();
		const router = createSessionRouter({ object: namespace, jurisdiction: 'eu', ...options });
		expect(await initialize(router)).toBe(200);
		expect(recorded).toEqual(['eu', {}]);
	});
});
