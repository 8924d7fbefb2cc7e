import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { alarm, alarmMs, DAY_MS, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { callRows, objectOf, tablesOf } from './fixture/objects.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

const ABSOLUTE = { lifetime: { idleSeconds: 7_200, absoluteSeconds: 7_200 } };

/** A client with a note, whose call to add another one goes on when it is let. */
async function withCallAtWork(): Promise<{ client: Client; goOn: () => Promise<string> }> {
	const client = await Client.open();
	await client.call('add_note', { text: 'milk' });
	const gate = Promise.withResolvers<void>();
	world.runCall = (_tool, work) => gate.promise.then(work);
	const call = client.call('add_note', { text: 'late' });
	await expect.poll(() => callRows(client)).toHaveLength(1);
	world.runCall = undefined;
	return { client, goOn: () => (gate.resolve(), call) };
}

describe('a call that outlives its session', () => {
	it('writes nothing into the object that was emptied: its archive stays the one that there is', async () => {
		world.settings = ABSOLUTE;
		const { client, goOn } = await withCallAtWork();
		world.skewMs = 2 * HOUR_MS + 1_000;
		await alarm(client);
		expect(await goOn()).toMatch(/the session has ended and stores nothing more/);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('writes nothing between the archive and the end, where it would be lost', async () => {
		const begun = Promise.withResolvers<void>();
		const gate = Promise.withResolvers<void>();
		world.settings = { ...ABSOLUTE, bucket: bucketThatTakes(gate.promise, begun.resolve) };
		const { client, goOn } = await withCallAtWork();
		world.skewMs = 2 * HOUR_MS + 1_000;
		const ended = alarm(client);
		await begun.promise;
		expect(await goOn()).toMatch(/the session has ended and stores nothing more/);
		gate.resolve();
		await ended;
		expect(await tablesOf(objectOf(client))).toEqual([]);
	});

	it('that its client ended writes nothing once it is deleted', async () => {
		const session = await (async () => {
			const client = await Client.open();
			const kept = await inSession(client, (each) => each);
			await client.send('DELETE');
			world.skewMs = 31_000;
			await alarm(client);
			return { client, kept };
		})();
		await runInDurableObject(objectOf(session.client), async (_instance, { storage }) => {
			const { kept } = session;
			const ended = /the session has ended and stores nothing more/;
			expect(() => kept.context.set('counter', 1)).toThrow(ended);
			expect(() => kept.sql).toThrow(ended);
			expect(() => kept.schedule('x', 1)).toThrow(ended);
			expect(() => kept.context.transaction(() => kept.context.set('counter', 1))).toThrow(ended);
			await expect(kept.auth.set('github', { accessToken: 'x' })).rejects.toThrow(ended);
			await expect(kept.artifacts.put('small', 'x')).rejects.toThrow(ended);
			await expect(kept.artifacts.put('large', 'x'.repeat(100_000))).rejects.toThrow(ended);
			expect(kept.context.get('counter')).toBeUndefined();
			expect(await storage.getAlarm()).toBeNull();
		});
		expect(await tablesOf(objectOf(session.client))).toEqual([]);
		const { objects } = await env.BUCKET.list({ prefix: `artifacts/${session.kept.objectId}/` });
		expect(objects).toEqual([]);
	});
});

describe('an object that was emptied', () => {
	it('keeps nothing of what its client still sends', async () => {
		const client = await Client.open();
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		const { status } = await client.send('DELETE');
		expect(status).toBe(404);
		await client.send('GET', undefined, { 'mcp-protocol-version': '2025-11-25' });
		await client.ask('logging/setLevel', { level: 'debug' });
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await alarmMs(client)).toBeNull();
	});
});

describe('a deployment that has lost its bucket', () => {
	it('keeps sessions that it is told to archive, until it has one again', async () => {
		world.settings = { archive: true, bucket: undefined };
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect(world.errors).toEqual([
			expect.stringMatching(
				/it is kept until the archive succeeds: settings\.archive is true and settings\.bucket is missing/,
			),
		]);
		expect(await tablesOf(objectOf(client))).toContain('tmcp_entries');
		world.settings = undefined;
		await evictDurableObject(objectOf(client));
		world.skewMs += 61_000;
		await alarm(client);
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		expect(await client.call('list_notes')).toBe('["milk"]');
	});

	it('tells what stays in it of a session that has ended', async () => {
		const client = await Client.open();
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(100_000)));
		world.settings = { bucket: undefined };
		await evictDurableObject(objectOf(client));
		await client.send('DELETE');
		world.skewMs = 31_000;
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(world.errors).toEqual([
			expect.stringMatching(
				/1 artifact of an ended session cannot be deleted from the bucket: settings\.bucket is missing\. .+ begin with artifacts\/[0-9a-f]{64}\//,
			),
		]);
	});
});

describe('the archive of an identity', () => {
	it('is kept beside that of its next life, which knows nothing of it', async () => {
		const identity = { authorization: 'archived/laptop' };
		const live = async (...notes: string[]): Promise<string> => {
			const client = await Client.open('/identity', identity);
			for (const text of notes) await client.call('add_note', { text });
			const object = world.created.at(-1)?.objectId ?? '';
			world.skewMs += DAY_MS + 1_000;
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
		// Restored and archived again it takes its own place, and no other.
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
	world.skewMs += laterMs;
	await runDurableObjectAlarm(env.SESSIONS.get(env.SESSIONS.idFromString(object)));
}

/** The bucket of the tests, which takes nothing before it may. */
function bucketThatTakes(may: Promise<void>, begun: () => void): R2Bucket {
	return new Proxy(env.BUCKET, {
		get(target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			if (key !== 'put') return member.bind(target) as unknown;
			return async (...args: Parameters<R2Bucket['put']>) => {
				begun();
				await may;
				return target.put(...args);
			};
		},
	});
}
