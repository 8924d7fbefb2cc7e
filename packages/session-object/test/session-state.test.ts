import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { objectName, restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { DAY_MS, runAlarm } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { internalIdOf, objectOf, tablesOf } from './fixture/objects.ts';
import { resetTestState, testState } from './fixture/test-session.ts';
import type { TestSession } from './fixture/test-session.ts';

beforeEach(() => {
	testState.draftTool = true;
});
afterEach(resetTestState);

/** Returns the states that an object stores, by the ids of their sessions and handles. */
function statesOf(object: DurableObjectStub<TestSession>): Promise<Record<string, string>> {
	return runInDurableObject(object, (_instance, { storage }) => {
		const rows = storage.sql
			.exec<{ key: string; value: string }>(
				"SELECT key, value FROM tmcp_entries WHERE kind = 'state'",
			)
			.toArray();
		return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
	});
}

async function add(client: Client, text: string): Promise<string> {
	return client.call('add_to_draft', { text });
}

describe('sessionState in a session object', () => {
	it('keeps a draft through an eviction', async () => {
		const client = await Client.open();
		expect(await add(client, 'a')).toBe('{"draft":"a"}');
		await evictDurableObject(objectOf(client));
		expect(await add(client, 'b')).toBe('{"draft":"ab"}');
	});

	it('loses no change of two concurrent calls', async () => {
		const client = await Client.open();
		const bothRead = Promise.withResolvers<void>();
		let reads = 0;
		testState.onDraft = async () => {
			reads += 1;
			if (reads === 2) bothRead.resolve();
			await bothRead.promise;
		};
		const drafts = await Promise.all([add(client, 'a'), add(client, 'b')]);
		expect(reads).toBe(3);
		expect(new Set(drafts.map((each) => each.length))).toEqual(new Set([13, 14]));
		expect(await add(client, 'c')).toMatch(/^\{"draft":"(abc|bac)"\}$/);
	});

	it('removes the draft at DELETE, and rejects the change of a call in flight', async () => {
		const client = await Client.open();
		await add(client, 'a');
		const isReading = Promise.withResolvers<void>();
		const proceed = Promise.withResolvers<void>();
		testState.onDraft = async () => {
			isReading.resolve();
			await proceed.promise;
		};
		const late = add(client, 'b');
		await isReading.promise;
		expect((await client.send('DELETE')).status).toBe(200);
		expect(await statesOf(objectOf(client))).toEqual({ [internalIdOf(client)]: 'ended' });
		proceed.resolve();
		expect(await late).toMatch(/cannot write state/);
		expect(await statesOf(objectOf(client))).toEqual({ [internalIdOf(client)]: 'ended' });
		testState.skewMs = 31_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('archives the draft of an expired session and restores it', async () => {
		const client = await Client.open();
		await add(client, 'a');
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect((await client.request('ping')).status).toBe(404);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await add(client, 'b')).toBe('{"draft":"ab"}');
	});
});

describe('sessionState in the object of an identity', () => {
	const headersOf = (clientId: string): Record<string, string> => ({
		authorization: `drafts/${clientId}`,
	});

	async function objectFor(clientId: string): Promise<DurableObjectStub<TestSession>> {
		return env.SESSIONS.getByName(await objectName({ workspaceId: 'drafts', clientId }));
	}

	it('removes the draft of an ended session, and of an expired one, and keeps those of others', async () => {
		const object = await objectFor('laptop');
		const one = await Client.open('/identity', headersOf('laptop'));
		const other = await Client.open('/identity', headersOf('laptop'));
		await add(one, 'a');
		await add(other, 'b');
		await one.send('DELETE');
		const states = await statesOf(object);
		expect(Object.values(states)).toHaveLength(2);
		expect(Object.values(states)).toContain('ended');
		expect((await one.request('ping')).status).toBe(404);
		testState.skewMs = DAY_MS * 0.6;
		expect(await add(other, 'c')).toBe('{"draft":"bc"}');
		testState.skewMs = DAY_MS * 1.2;
		await runDurableObjectAlarm(object);
		expect(Object.values(await statesOf(object))).toEqual([
			expect.stringMatching(/\n\{"draft":"bc"\}$/),
		]);
		testState.skewMs = DAY_MS * 1.6 + 60_000;
		await runDurableObjectAlarm(object);
		expect(await tablesOf(object)).toEqual([]);
	});

	it('gives stateless calls a handle, which is valid after an eviction and rejected if changed', async () => {
		const object = await objectFor('phone');
		const client = new Client('/identity', headersOf('phone'));
		const addStateless = async (text: string, handle?: string): Promise<string> => {
			const body = await client.callStateless('add_to_draft', { text, handle });
			const [, data = body] = /^data: (\{.*"result".*)$/m.exec(body) ?? [];
			// Safe because the tool returns a text.
			const { result } = JSON.parse(data) as { result: { content: [{ text: string }] } };
			return result.content[0].text;
		};
		// Safe because the tool returns this JSON.
		const first = JSON.parse(await addStateless('a')) as { draft: string; handle: string };
		expect(first.draft).toBe('a');
		await evictDurableObject(object);
		expect(JSON.parse(await addStateless('b', first.handle))).toEqual({
			draft: 'ab',
			handle: first.handle,
		});
		const before = await statesOf(object);
		const changed = first.handle.slice(0, -1) + (first.handle.endsWith('A') ? 'E' : 'A');
		expect(await addStateless('c', changed)).toMatch(/the handle is not one of this server's/);
		expect(await statesOf(object)).toEqual(before);
		testState.skewMs = DAY_MS + 61_000;
		expect(await addStateless('c', first.handle)).toMatch(/the handle is not one of this server's/);
		await runDurableObjectAlarm(object);
		expect(await statesOf(object)).toEqual({});
	});
});
