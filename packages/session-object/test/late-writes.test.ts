import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { runAlarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { journaledCalls, objectOf, tablesOf } from './fixture/objects.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

const ABSOLUTE = { lifetime: { idleSeconds: 7_200, absoluteSeconds: 7_200 } };

/** Opens a session that has a note, and starts a call that adds another one after `proceed`. */
async function withPendingCall(): Promise<{ client: Client; proceed: () => Promise<string> }> {
	const client = await Client.open();
	await client.call('add_note', { text: 'milk' });
	const gate = Promise.withResolvers<void>();
	testState.runCall = (_tool, execute) => gate.promise.then(execute);
	const call = client.call('add_note', { text: 'late' });
	await expect.poll(() => journaledCalls(client)).toHaveLength(1);
	testState.runCall = undefined;
	return { client, proceed: () => (gate.resolve(), call) };
}

describe('a call that outlives its session', () => {
	it('writes nothing to the emptied object, so that its archive stays valid', async () => {
		testState.settings = ABSOLUTE;
		const { client, proceed } = await withPendingCall();
		testState.skewMs = 2 * HOUR_MS + 1_000;
		await runAlarm(client);
		expect(await proceed()).toMatch(/the session has ended and stores nothing more/);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('writes nothing between the archiving and the deletion, which would lose it', async () => {
		const begun = Promise.withResolvers<void>();
		const gate = Promise.withResolvers<void>();
		testState.settings = { ...ABSOLUTE, bucket: bucketWithGate(gate.promise, begun.resolve) };
		const { client, proceed } = await withPendingCall();
		testState.skewMs = 2 * HOUR_MS + 1_000;
		const ended = runAlarm(client);
		await begun.promise;
		expect(await proceed()).toMatch(/the session has ended and stores nothing more/);
		gate.resolve();
		await ended;
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('writes nothing after the session that the client ended is deleted', async () => {
		const ended = await (async () => {
			const client = await Client.open();
			const session = await inSession(client, (each) => each);
			await client.send('DELETE');
			testState.skewMs = 31_000;
			await runAlarm(client);
			return { client, session };
		})();
		await runInDurableObject(objectOf(ended.client), async (_instance, { storage }) => {
			const { session } = ended;
			const error = /the session has ended and stores nothing more/;
			expect(() => session.context.set('counter', 1)).toThrow(error);
			expect(() => session.sql).toThrow(error);
			expect(() => session.schedule('x', 1)).toThrow(error);
			expect(() => session.context.transaction(() => session.context.set('counter', 1))).toThrow(
				error,
			);
			await expect(session.auth.set('github', { accessToken: 'x' })).rejects.toThrow(error);
			await expect(session.artifacts.put('small', 'x')).rejects.toThrow(error);
			await expect(session.artifacts.put('large', 'x'.repeat(100_000))).rejects.toThrow(error);
			expect(session.context.get('counter')).toBeUndefined();
			expect(await storage.getAlarm()).toBeNull();
		});
		expect(await tablesOf(objectOf(ended.client))).toEqual([]);
		const { objects } = await env.BUCKET.list({ prefix: `artifacts/${ended.session.objectId}/` });
		expect(objects).toEqual([]);
	});
});

describe('an emptied object', () => {
	it('stores nothing for later requests of its client', async () => {
		const client = await Client.open();
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		const { status } = await client.send('DELETE');
		expect(status).toBe(404);
		await client.send('GET', undefined, { 'mcp-protocol-version': '2025-11-25' });
		await client.request('logging/setLevel', { level: 'debug' });
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
	});
});

describe('a deployment without its bucket', () => {
	it('keeps the sessions that it must archive until it has a bucket again', async () => {
		testState.settings = { archive: true, bucket: undefined };
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(testState.errors).toEqual([
			expect.stringMatching(
				/it is kept until the archive succeeds: settings\.archive is true and settings\.bucket is missing/,
			),
		]);
		expect(await tablesOf(objectOf(client))).toContain('tmcp_entries');
		testState.settings = undefined;
		await evictDurableObject(objectOf(client));
		testState.skewMs += 61_000;
		await runAlarm(client);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('reports the artifacts of an ended session that stay in the bucket', async () => {
		const client = await Client.open();
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(100_000)));
		testState.settings = { bucket: undefined };
		await evictDurableObject(objectOf(client));
		await client.send('DELETE');
		testState.skewMs = 31_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(testState.errors).toEqual([
			expect.stringMatching(
				/1 artifact of an ended session cannot be deleted from the bucket: settings\.bucket is missing\. .+ begin with artifacts\/[0-9a-f]{64}\//,
			),
		]);
	});
});

describe('the archive of an identity', () => {
	it('is not overwritten by the archive of the next session, which does not restore it', async () => {
		const identity = { authorization: 'archived/laptop' };
		const live = async (...notes: string[]): Promise<string> => {
			const client = await Client.open('/identity', identity);
			for (const text of notes) await client.call('add_note', { text });
			const object = testState.created.at(-1)?.objectId ?? '';
			testState.skewMs += DAY_MS + 1_000;
			await alarmOf(object);
			return object;
		};
		const object = await live('milk');
		await live('bread');
		const { objects } = await env.BUCKET.list({ prefix: `sessions/${object}` });
		expect(objects).toHaveLength(2);
		await restoreSession('SESSIONS', object);
		expect(await notesOf(identity)).toBe('["bread"]');
		await alarmOf(object, DAY_MS + 1_000);
		// A restored session that is archived again overwrites its own archive only.
		expect((await env.BUCKET.list({ prefix: `sessions/${object}` })).objects).toHaveLength(2);
		const older = objects.find(({ key }) => key !== `sessions/${object}.jsonl.gz`);
		const bytes = await env.BUCKET.get(older?.key ?? '');
		await env.BUCKET.put(`sessions/${object}.jsonl.gz`, (await bytes?.arrayBuffer()) ?? null);
		await restoreSession('SESSIONS', object);
		expect(await notesOf(identity)).toBe('["milk"]');
	});
});

async function notesOf(identity: Record<string, string>): Promise<string> {
	return (await Client.open('/identity', identity)).call('list_notes');
}

async function alarmOf(object: string, laterMs = 0): Promise<void> {
	testState.skewMs += laterMs;
	await runDurableObjectAlarm(env.SESSIONS.get(env.SESSIONS.idFromString(object)));
}

/** Returns the bucket with a `put` that waits for a promise. */
function bucketWithGate(gate: Promise<void>, onPut: () => void): R2Bucket {
	return new Proxy(env.BUCKET, {
		get(target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			if (key !== 'put') return member.bind(target) as unknown;
			return async (...args: Parameters<R2Bucket['put']>) => {
				onPut();
				await gate;
				return target.put(...args);
			};
		},
	});
}
