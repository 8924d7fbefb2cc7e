import { publishChange } from '@tmcp-sessions/session-object';
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { Client, PARAMS } from './fixture/client.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { rowsOfRoot } from './fixture/receivers.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

/**
 * A request as a Worker of the release before sends it: recorded from its wire. It is not to be changed
 * with the code.
 */
function requestOfPrevious(session: string, message: object, isOpening = false): string {
	const head =
		`{"method":"POST","headers":{"accept":"application/json",` +
		`"content-type":"application/json"${isOpening ? '' : `,"mcp-session-id":"${session}"`}},` +
		`"sessionId":"${session}","principal":"","auth":null,"objectPer":"session"}`;
	return `${head}\n${JSON.stringify({ jsonrpc: '2.0', ...message })}`;
}

/** Returns the first line and the body of an answer that is complete at once. */
function linesOf(answer: Response | string): [head: unknown, body: string] {
	if (typeof answer !== 'string') throw new TypeError('expected a complete answer; got a stream');
	const end = answer.indexOf('\n');
	return [JSON.parse(answer.slice(0, end)), answer.slice(end + 1)];
}

function withVersion(text: string, version: number): string {
	return text.replace('{', `{"version":${version},`);
}

describe('a Worker of the release before and an object of this one', () => {
	it('serve a session', async () => {
		const stub = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		const session = '1.0.of-the-release-before.mac';
		const initialize = { id: 0, method: 'initialize', params: PARAMS };
		const opened = await stub.answer(requestOfPrevious(session, initialize, true));
		expect(linesOf(opened)[0]).toMatchObject({ status: 200 });
		const list = requestOfPrevious(session, { id: 1, method: 'ping' });
		const [head, body] = linesOf(await stub.answer(list));
		expect(head).toMatchObject({ status: 200 });
		expect(JSON.parse(body)).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
		expect(await stub.isLive(session)).toBe(true);
		expect(await stub.deliver(session, '{"method":"tmcp-sessions/resumed"}')).toBe(0);
		expect(await stub.honoredSubset({ toolsListChanged: true })).toHaveProperty('notifications');
	});
});

describe('a change from a Worker of the release before, which published to subscriptions only', () => {
	it('reaches no session object; the same change of this release reaches each once', async () => {
		testState.settings = { syncLayer: 'TMCP_DURABLE_OBJECT' };
		const client = await Client.open();
		const stream = await Stream.open(client);
		const root = env.TMCP_DURABLE_OBJECT.getByName('TMCP_DURABLE_OBJECT');
		// Recorded from its wire.
		const notification = {
			jsonrpc: '2.0' as const,
			method: 'notifications/tools/list_changed',
			params: {},
		};
		await root.publish([{ notification }]);
		expect((await rowsOfRoot('changes')) ?? []).toEqual([]);
		await publishChange('tools');
		await publishChange({ uri: 'test://unsubscribed' });
		await stream.until('list_changed');
		expect(stream.methods).toEqual(['notifications/tools/list_changed']);
	});

	it('differs from that of this release in a field that an object of the release before ignores', async () => {
		const sent: unknown[] = [];
		const recording = new Proxy(env.TMCP_DURABLE_OBJECT, {
			get(target, key) {
				if (key !== 'getByName') return Reflect.get(target, key) as unknown;
				return () => ({
					publish: async (publications: unknown) => (sent.push(publications), []),
				});
			},
		});
		await publishChange({ uri: 'test://a' }, { syncLayer: recording });
		const notification = {
			jsonrpc: '2.0',
			method: 'notifications/resources/updated',
			params: { uri: 'test://a' },
		};
		expect(sent).toEqual([[{ notification, isForReceivers: true }]]);
	});
});

describe('a Worker of a later release', () => {
	it('gets a 503 that says what to do, and the object stores nothing', async () => {
		const stub = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		const initialize = requestOfPrevious(
			's',
			{ id: 1, method: 'initialize', params: PARAMS },
			true,
		);
		const [head, body] = linesOf(await stub.answer(withVersion(initialize, 2)));
		expect(head).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
		expect(body).toContain('A deployment is under way');
		const upgrade = { headers: { Upgrade: 'websocket' } };
		const url = 'https://sync-layer.invalid/?role=subscription&kind=tools&version=2';
		expect((await stub.fetch(url, upgrade)).status).toBe(503);
		expect(await tablesOf(stub)).toEqual([]);
		const alarm = await runInDurableObject(stub, (_instance, { storage }) => storage.getAlarm());
		expect(alarm).toBeNull();
	});

	it('does not change an open session', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		const { session = '' } = client;
		const call = { id: 1, method: 'tools/call', params: { name: 'add_note', arguments: {} } };
		const answer = await objectOf(client).answer(withVersion(requestOfPrevious(session, call), 2));
		expect(linesOf(answer)[0]).toMatchObject({ status: 503 });
		expect(await client.call('list_notes')).toBe('["milk"]');
	});
});
