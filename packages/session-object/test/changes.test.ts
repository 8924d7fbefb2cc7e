import { objectName, publishChange } from '@tmcp-sessions/session-object';
import type { Change, Session } from '@tmcp-sessions/session-object';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { DAY_MS, HOUR_MS, runAlarm } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf, socketCount, tablesOf } from './fixture/objects.ts';
import { registrationsOf, rowsOfRoot } from './fixture/receivers.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testState } from './fixture/test-session.ts';
import type { TestContext } from './fixture/test-session.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';

beforeEach(() => {
	testState.settings = { syncLayer: 'TMCP_DURABLE_OBJECT' };
});
afterEach(resetTestState);

/** Returns the session of a client's object. */
function sessionOf(client: Client): Promise<Session<TestContext>> {
	return inSession(client, (session) => session);
}

describe('the registration of a session object', () => {
	it('is added before its first stream is open, and once', async () => {
		const client = await Client.open();
		expect(await registrationsOf(client)).toEqual([]);
		await Stream.open(client);
		const [added] = await registrationsOf(client);
		expect(added).toMatchObject({ interests: '{"kinds":["tools"]}' });
		await evictDurableObject(objectOf(client));
		await Stream.open(client);
		expect(await registrationsOf(client)).toEqual([added]);
	});

	it('names a resource before its subscription is confirmed, until it is unsubscribed', async () => {
		const client = await Client.open();
		await client.request('resources/subscribe', { uri: 'test://a' });
		expect(await registrationsOf(client)).toEqual([]);
		await Stream.open(client);
		const interests = async (): Promise<unknown> =>
			JSON.parse((await registrationsOf(client))[0]?.interests ?? '{}');
		expect(await interests()).toMatchObject({ kinds: ['tools', 'updates'], uris: { length: 1 } });
		await client.request('resources/subscribe', { uri: 'test://b' });
		expect(await interests()).toMatchObject({ uris: { length: 2 } });
		await client.request('resources/unsubscribe', { uri: 'test://b' });
		await expect.poll(interests).toMatchObject({ uris: { length: 1 } });
		await client.request('resources/unsubscribe', { uri: 'test://a' });
		await expect.poll(interests).toEqual({ kinds: ['tools'] });
	});

	it('is removed when the session ends', async () => {
		const client = await Client.open();
		await Stream.open(client);
		await client.send('DELETE');
		await expect.poll(() => registrationsOf(client)).toEqual([]);
	});

	it('is removed when the session expires', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.disconnect();
		await expect.poll(() => socketCount(client)).toBe(0);
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await registrationsOf(client)).toEqual([]);
	});

	it('is not left behind by a stream that opens while its session ends, which is not reported', async () => {
		const begun = Promise.withResolvers<void>();
		const gate = Promise.withResolvers<void>();
		testState.settings = { syncLayer: layersWithGate(gate.promise, begun.resolve) };
		const client = await Client.open();
		const opening = Stream.open(client);
		await begun.promise;
		await client.send('DELETE');
		testState.skewMs = 31_000;
		const ended = runAlarm(client);
		gate.resolve();
		await ended;
		const stream = await opening;
		await expect.poll(() => stream.hasEnded).toBe(true);
		expect(testState.errors).toEqual([]);
		expect(await registrationsOf(client)).toEqual([]);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('is removed when no stream can be resumed any more', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.disconnect();
		await expect.poll(() => socketCount(client)).toBe(0);
		testState.skewMs = HOUR_MS;
		await runAlarm(client);
		expect(await registrationsOf(client)).toHaveLength(1);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			storage.sql.exec('UPDATE tmcp_histories SET idle_ms = 1');
			storage.sql.exec("UPDATE tmcp_entries SET at_ms = 1 WHERE kind = 'meta' AND key = 'streams'");
		});
		await runAlarm(client);
		expect(await registrationsOf(client)).toEqual([]);
		expect((await client.request('ping')).status).toBe(200);
	});

	it('is removed when the last subscription of its identity is closed', async () => {
		const client = new Client('/identity', { authorization: 'reading/laptop' });
		const response = await client.sendStateless('subscriptions/listen', {
			notifications: { toolsListChanged: true, resourceSubscriptions: ['test://a'] },
		});
		const subscription = new Stream(response);
		await subscription.until('acknowledged');
		const name = await objectName({ workspaceId: 'reading', clientId: 'laptop' });
		const id = env.SESSIONS.idFromName(name).toString();
		const registrations = async (): Promise<unknown[]> =>
			((await rowsOfRoot('receivers')) ?? []).filter(({ object }) => object === id);
		expect(await registrations()).toHaveLength(1);
		await publishChange({ uri: 'test://a' });
		await publishChange('tools');
		await subscription.until(TOOLS_CHANGED);
		expect(subscription.methods).toEqual([
			'notifications/subscriptions/acknowledged',
			UPDATED,
			TOOLS_CHANGED,
		]);
		await subscription.disconnect();
		await expect.poll(registrations).toEqual([]);
	});

	it('is removed by a shard that finds its object gone, which then stores nothing', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.disconnect();
		await expect.poll(() => socketCount(client)).toBe(0);
		await runInDurableObject(objectOf(client), (_instance, { storage }) => storage.deleteAll());
		await evictDurableObject(objectOf(client));
		expect(await registrationsOf(client)).toHaveLength(1);
		await publishChange('tools');
		await expect.poll(() => registrationsOf(client)).toEqual([]);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await rowsOfRoot('changes')).toEqual([]);
	});

	it('is needed to open a stream', async () => {
		testState.settings = { syncLayer: 'SESSIONS' };
		const client = await Client.open();
		expect((await Stream.open(client)).status).toBe(503);
		expect(testState.errors).toEqual([
			expect.stringMatching(/registering an object at SyncLayer failed/),
		]);
		expect(await socketCount(client)).toBe(0);
	});
});

describe('a change that a session publishes', () => {
	it('reaches the streams of every object, once', async () => {
		const [one, other] = [await Client.open(), await Client.open()];
		const streams = [await Stream.open(one), await Stream.open(other)];
		await (await sessionOf(one)).publish('tools');
		for (const stream of streams) await stream.until(TOOLS_CHANGED);
		await publishChange('tools');
		for (const stream of streams) {
			await stream.until(TOOLS_CHANGED, 2);
			expect(stream.methods).toEqual([TOOLS_CHANGED, TOOLS_CHANGED]);
		}
		await expect.poll(() => rowsOfRoot('changes')).toEqual([]);
	});

	it('is received once if its delivery is repeated', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		const token = (await registrationsOf(client))[0]?.token ?? '';
		const change = (sequence: number): [string, object[]] => {
			const params = { _meta: { sequence } };
			const notification = { jsonrpc: '2.0', method: TOOLS_CHANGED, params };
			return [token, [{ sequence, notification }]];
		};
		const deliver = (sequence: number): Promise<string> =>
			objectOf(client).receiveChanges(
				// Safe because the changes have this type.
				...(change(sequence) as Parameters<ReturnType<typeof objectOf>['receiveChanges']>),
			);
		expect(await deliver(1_000_001)).toBe('received');
		await evictDurableObject(objectOf(client));
		expect(await deliver(1_000_001)).toBe('received');
		expect(await deliver(1_000_002)).toBe('received');
		await stream.until('"sequence":1000002');
		expect(stream.methods).toEqual([TOOLS_CHANGED, TOOLS_CHANGED]);
	});

	it('is not sent for a list whose changes the server does not announce', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await publishChange('prompts');
		await publishChange('resources');
		await publishChange('tools');
		await stream.until(TOOLS_CHANGED);
		expect(stream.methods).toEqual([TOOLS_CHANGED]);
	});

	it('is stored nowhere if no object can send it', async () => {
		await expect(publishChange('prompts')).resolves.toBeUndefined();
		await expect(publishChange({ uri: 'test://without-subscribers' })).resolves.toBeUndefined();
		expect((await rowsOfRoot('changes')) ?? []).toEqual([]);
	});

	it.each([
		['empty', '', /uri must be an absolute URI such as notes:\/\/1; got ""/],
		['relative', 'notes', /uri must be an absolute URI/],
		['long', `notes://${'x'.repeat(2_048)}`, /uri must have at most 2048 characters; got 2056/],
	])('is rejected with a uri that is %s', async (_what, uri, message) => {
		const client = await Client.open();
		await expect((await sessionOf(client)).publish({ uri })).rejects.toThrow(message);
		await expect(publishChange({ uri })).rejects.toThrow(message);
	});

	it.each([
		['notes', '"notes"'],
		[undefined, 'undefined'],
		[{}, 'object'],
	])('is rejected if it is %j', async (change, found) => {
		const message = `a change must be 'tools', 'prompts', 'resources' or { uri }; got ${found}`;
		// Safe because the change is invalid on purpose.
		await expect(publishChange(change as Change)).rejects.toThrow(message);
	});

	it('is rejected after the session has ended, and after its object was deleted', async () => {
		const client = await Client.open();
		const session = await sessionOf(client);
		await client.send('DELETE');
		await expect(session.publish('tools')).rejects.toThrow(/the session has ended/);
		testState.skewMs = HOUR_MS;
		await runAlarm(client);
		await expect(session.publish('tools')).rejects.toThrow(/the session has ended/);
	});

	it('is not stored if no session object is registered', async () => {
		const root = env.TMCP_DURABLE_OBJECT.getByName('TMCP_DURABLE_OBJECT');
		await publishChange('tools');
		await expect.poll(() => rowsOfRoot('changes')).toEqual([]);
		await runInDurableObject(root, (_instance, { storage }) => {
			storage.sql.exec('DELETE FROM tmcp_receivers');
		});
		await publishChange('tools');
		await publishChange({ uri: 'notes://1' });
		expect(await rowsOfRoot('changes')).toEqual([]);
	});

	it('is rejected without settings.syncLayer', async () => {
		testState.settings = undefined;
		const client = await Client.open();
		await Stream.open(client);
		expect(await registrationsOf(client)).toEqual([]);
		await expect((await sessionOf(client)).publish('tools')).rejects.toThrow(
			/session.publish needs settings.syncLayer/,
		);
	});

	it('is rejected by a binding that is not one of SyncLayer', async () => {
		// Safe because the binding is wrong on purpose.
		const syncLayer = 'SESSIONS' as const;
		await expect(publishChange('tools', { syncLayer })).rejects.toThrow(/SyncLayer/);
		await expect(publishChange('tools', { syncLayer: 'MISSING' })).rejects.toThrow(/MISSING/);
	});
});

/** Returns the namespace of `SyncLayer`, whose objects add a receiver after a promise. */
function layersWithGate(gate: Promise<void>, onAdd: () => void): typeof env.TMCP_DURABLE_OBJECT {
	const gated = (stub: object): object =>
		new Proxy(stub, {
			get(target, key) {
				const member: unknown = Reflect.get(target, key, target);
				if (key !== 'addReceiver' || typeof member !== 'function') return member;
				return async (...args: unknown[]) => {
					onAdd();
					await gate;
					return Reflect.apply(member, target, args) as unknown;
				};
			},
		});
	return new Proxy(env.TMCP_DURABLE_OBJECT, {
		get(target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			return (...args: unknown[]) => {
				// Safe because the methods of a namespace return stubs, other namespaces and ids.
				const result = Reflect.apply(member, target, args) as object;
				return key === 'get' || key === 'getByName' ? gated(result) : result;
			};
		},
	});
}
