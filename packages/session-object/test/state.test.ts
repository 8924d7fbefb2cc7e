import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import type { Session } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as v from 'valibot';

import { Client } from './fixture/client.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { testSettings, world } from './fixture/test-session.ts';
import type { Remembered } from './fixture/test-session.ts';

afterEach(() => {
	world.settings = undefined;
	world.refresh = undefined;
	world.refreshes.length = 0;
	world.errors.length = 0;
	world.skewMs = 0;
});

/** The session that an object's tools have, in the object. */
async function inSession<Result>(
	client: Client,
	work: (session: Session<Remembered>, storage: DurableObjectStorage) => Promise<Result> | Result,
): Promise<Result> {
	await client.ask('ping');
	const id = objectOf(client).id.toString();
	return runInDurableObject(objectOf(client), (_instance, { storage }) => {
		const session = world.created.findLast(({ objectId }) => objectId === id);
		if (!session) throw new Error('expected a session');
		return work(session, storage);
	});
}

describe('the context', () => {
	it('outlives an eviction, and what was answered is stored', async () => {
		const client = await Client.open();
		expect(await client.call('count', { to: 7 })).toBe('counted to 7');
		await evictDurableObject(objectOf(client));
		expect(await inSession(client, ({ context }) => context.get('counter'))).toBe(7);
	});

	it('a value that breaks its schema is refused, and the one before stays', async () => {
		const client = await Client.open();
		await client.call('count', { to: 7 });
		expect(await client.call('count', { to: 1.5 })).toMatch(
			/the value for "counter" in the context breaks its schema \(.+\); nothing was stored\. Check it/,
		);
		expect(await inSession(client, ({ context }) => context.get('counter'))).toBe(7);
	});

	it('what is stored and breaks the schema of a later deployment says how to mend it', async () => {
		const client = await Client.open();
		await client.call('count', { to: 7 });
		world.settings = {
			context: { notes: v.array(v.string()), counter: v.pipe(v.number(), v.maxValue(5)) },
		};
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			expect(() => context.get('counter')).toThrow(
				/"counter" in the context breaks its schema .+ context\.raw\("counter"\) and context\.set, or let go of it with context\.delete\("counter"\)/,
			);
			context.set('counter', Math.min(Number(context.raw('counter')), 5));
			expect(context.get('counter')).toBe(5);
		});
	});

	it('a value over the limit is refused, and says what to do instead', async () => {
		world.settings = { limits: { valueLength: 100, totalLength: 150 } };
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			expect(() => context.set('notes', ['x'.repeat(100)])).toThrow(
				/has 104 characters as JSON, where at most 100 are allowed; nothing was stored\. Keep large things as artifacts/,
			);
			context.set('notes', ['x'.repeat(90)]);
			context.set('notes', ['y'.repeat(90)]);
			expect(context.get('notes')).toEqual(['y'.repeat(90)]);
		});
		world.settings = { limits: { valueLength: 100, totalLength: 94 } };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			expect(() => context.set('counter', 1)).toThrow(/would have 95 characters, where at most 94/);
			expect(context.keys()).toEqual(['notes']);
		});
	});

	it('a transaction that throws leaves nothing, and one that is async is refused', async () => {
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			context.set('counter', 1);
			const failing = (): void => {
				context.set('counter', 2);
				throw new Error('no');
			};
			expect(() => context.transaction(failing)).toThrow('no');
			expect(() =>
				context.transaction(async () => {
					context.set('counter', 3);
				}),
			).toThrow(/takes a function that returns at once/);
			expect(context.get('counter')).toBe(1);
		});
	});

	it('a transaction that throws leaves no alarm behind, and what is scheduled next has one', async () => {
		const client = await Client.open();
		await inSession(client, async (session, storage) => {
			const [oneMs, otherMs] = [Date.now() + 60_000, Date.now() + 120_000];
			const failing = (): void => {
				session.schedule('one', oneMs);
				throw new Error('no');
			};
			expect(() => session.context.transaction(failing)).toThrow('no');
			session.schedule('other', otherMs);
			expect(await storage.getAlarm()).toBe(otherMs);
		});
	});

	it('a transaction that throws before anything else was stored leaves an object that works', async () => {
		const stub = env.SESSIONS.get(env.SESSIONS.newUniqueId());
		expect(await stub.isLive('nobody')).toBe(false);
		await runInDurableObject(stub, () => {
			const context = world.created.at(-1)?.context;
			const failing = (): void => {
				context?.set('counter', 1);
				throw new Error('no');
			};
			expect(() => context?.transaction(failing)).toThrow('no');
			expect(context?.get('counter')).toBeUndefined();
			context?.set('counter', 2);
			expect(context?.get('counter')).toBe(2);
		});
	});

	it('takes no key without a schema and nothing that is no JSON', async () => {
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			const set = (key: string, value: unknown): void =>
				context.set(key as 'counter', value as number);
			expect(() => set('colour', 1)).toThrow(/no key "colour"; expected one of notes, counter/);
			expect(() => set('toString', 1)).toThrow(/no key "toString"/);
		});
		world.settings = { context: { notes: v.any(), counter: v.any() } };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			const none = undefined as unknown as number;
			expect(() => context.set('counter', none)).toThrow(/is no JSON: found undefined/);
		});
	});
});

describe('the tables of a user', () => {
	it('are made with the session, kept, and brought forward by a later deployment', async () => {
		const client = await Client.open();
		await inSession(client, ({ sql }) => {
			sql.exec("INSERT INTO events (what) VALUES ('a')");
		});
		const migrations = [
			...(testSettings.migrations ?? []),
			'ALTER TABLE events ADD COLUMN who TEXT',
		];
		world.settings = { migrations };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ sql }) => {
			expect(sql.exec('SELECT what, who FROM events').toArray()).toEqual([
				{ what: 'a', who: null },
			]);
		});
	});

	it('an older deployment does not touch what a later one made', async () => {
		const client = await Client.open();
		world.settings = { migrations: [] };
		await evictDurableObject(objectOf(client));
		expect((await client.ask('ping')).status).toBe(500);
		expect(world.errors.join()).toMatch(
			/brought to version 1, and this deployment knows 0 migrations; deploy a release that has them all/,
		);
	});

	it('a table whose name the streams have is refused, where they have none yet and where they have', async () => {
		const client = await Client.open();
		const migrations = [...(testSettings.migrations ?? []), 'CREATE TABLE Log (x)'];
		world.settings = { migrations };
		await evictDurableObject(objectOf(client));
		expect((await client.ask('ping')).status).toBe(500);
		expect(world.errors.join()).toMatch(/a migration made the table log, whose name the streams/);
	});

	it('a migration that fails leaves nothing of it, and says which it was', async () => {
		const client = await Client.open();
		const migrations = [...(testSettings.migrations ?? []), 'CREATE TABLE more (x); SELEKT 1'];
		world.settings = { migrations };
		await evictDurableObject(objectOf(client));
		expect((await client.ask('ping')).status).toBe(500);
		expect(world.errors.join()).toMatch(/migration 2 of 2 failed, and nothing of it was kept/);
		expect(await tablesOf(objectOf(client))).not.toContain('more');
	});
});

describe('tokens', () => {
	it('are encrypted where they are kept, and outlive an eviction', async () => {
		const client = await Client.open();
		await inSession(client, ({ auth }) => auth.set('github', { accessToken: 'secret-token' }));
		await runInDurableObject(objectOf(client), (_instance, { storage }) => {
			const rows = storage.sql.exec('SELECT value FROM tmcp_entries').toArray();
			expect(rows.length).toBeGreaterThan(2);
			expect(JSON.stringify(rows)).not.toContain('secret-token');
		});
		await evictDurableObject(objectOf(client));
		await inSession(client, async ({ auth }) => {
			expect(await auth.get('github')).toEqual({ accessToken: 'secret-token' });
			expect(await auth.get('gitlab')).toBeUndefined();
			expect(auth.services()).toEqual(['github']);
		});
	});

	it('that have expired are refreshed once, however many calls find them so', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		world.refresh = async ({ refreshToken }) => {
			await gate.promise;
			return { accessToken: `from ${refreshToken}`, expiresAtMs: Date.now() + 3_600_000 };
		};
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', refreshToken: 'r1', expiresAtMs: 1 });
			const asked = Array.from({ length: 20 }, () => auth.get('github'));
			await new Promise((resolve) => setTimeout(resolve, 20));
			gate.resolve();
			const tokens = await Promise.all(asked);
			expect(tokens.map((each) => each?.accessToken)).toEqual(tokens.map(() => 'from r1'));
			expect((await auth.get('github'))?.accessToken).toBe('from r1');
		});
		expect(world.refreshes).toEqual(['github']);
	});

	it('whose refresh fails say so to each call, and the next one tries again', async () => {
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			await expect(auth.get('github')).rejects.toThrow(
				/have expired and could not be refreshed \(the service is down\); try again later, or have the user authorize again/,
			);
			world.refresh = async () => ({ accessToken: 'new' });
			expect((await auth.get('github'))?.accessToken).toBe('new');
		});
	});

	it('set while a refresh is under way are not overwritten by it', async () => {
		const client = await Client.open();
		const gate = Promise.withResolvers<void>();
		world.refresh = async () => {
			await gate.promise;
			return { accessToken: 'refreshed' };
		};
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			const asked = auth.get('github');
			await expect.poll(() => world.refreshes.length).toBe(1);
			await auth.set('github', { accessToken: 'authorized again' });
			gate.resolve();
			await asked;
			expect((await auth.get('github'))?.accessToken).toBe('authorized again');
		});
	});

	it('that cannot be decrypted after a key change say what to do, and the old key helps', async () => {
		const client = await Client.open();
		const [old, next] = ['o'.repeat(32), 'n'.repeat(32)];
		const withKeys = async (authKeys: string[]): Promise<void> => {
			world.settings = { authKeys };
			await evictDurableObject(objectOf(client));
		};
		await withKeys([old]);
		await inSession(client, ({ auth }) => auth.set('github', { accessToken: 'secret-token' }));
		await withKeys([next]);
		await inSession(client, async ({ auth }) => {
			await expect(auth.get('github')).rejects.toThrow(
				/"github" cannot be decrypted with any key of TMCP_AUTH_KEYS: the key was changed.+Put the old key behind the new one.+auth\.delete\("github"\)/,
			);
		});
		await withKeys([next, old]);
		await inSession(client, async ({ auth }) => {
			const tokens = await auth.get('github');
			expect(tokens?.accessToken).toBe('secret-token');
			if (tokens) await auth.set('github', tokens);
		});
		await withKeys([next]);
		await inSession(client, async ({ auth }) => {
			expect((await auth.get('github'))?.accessToken).toBe('secret-token');
		});
	});

	it('that were deleted while new ones were encrypted stay deleted', async () => {
		const client = await Client.open();
		world.refresh = async () => ({ accessToken: 'refreshed' });
		await inSession(client, async ({ auth }) => {
			await auth.set('github', { accessToken: 'old', expiresAtMs: 1 });
			const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
			vi.spyOn(crypto.subtle, 'encrypt').mockImplementationOnce((...args) => {
				auth.delete('github');
				return encrypt(...args);
			});
			await auth.get('github');
			expect(auth.services()).toEqual([]);
		});
	});

	it('of another object cannot be opened here', async () => {
		const [one, other] = [await Client.open(), await Client.open()];
		await inSession(one, ({ auth }) => auth.set('github', { accessToken: 'secret-token' }));
		const [row] = await runInDurableObject(objectOf(one), (_instance, { storage }) =>
			storage.sql
				.exec<{ value: string }>("SELECT value FROM tmcp_entries WHERE kind = 'auth'")
				.toArray(),
		);
		await runInDurableObject(objectOf(other), (_instance, { storage }) => {
			storage.sql.exec(
				"INSERT INTO tmcp_entries (kind, key, value) VALUES ('auth', 'github', ?)",
				row?.value ?? '',
			);
		});
		await inSession(other, async ({ auth }) => {
			await expect(auth.get('github')).rejects.toThrow(/cannot be decrypted/);
		});
	});

	it('are not kept without a key', async () => {
		world.settings = { authKeys: ['short'] };
		const client = await Client.open();
		await inSession(client, async ({ auth }) => {
			await expect(auth.set('github', { accessToken: 'x' })).rejects.toThrow(
				/keys of at least 32 characters .+ openssl rand -base64 32/,
			);
		});
	});
});

describe('artifacts', () => {
	it('small ones are in the object, large ones in the bucket, and both are found again', async () => {
		const client = await Client.open();
		const large = 'x'.repeat(100_000);
		await inSession(client, async ({ artifacts }) => {
			await artifacts.put('small', 'hello', 'text/plain');
			await artifacts.put('large', large, 'text/plain');
			expect(artifacts.list()).toEqual([
				{ name: 'large', type: 'text/plain', size: 100_000 },
				{ name: 'small', type: 'text/plain', size: 5 },
			]);
		});
		await evictDurableObject(objectOf(client));
		const text = (bytes: ArrayBuffer | undefined): string => new TextDecoder().decode(bytes);
		await inSession(client, async ({ artifacts }) => {
			expect(text((await artifacts.get('small'))?.bytes)).toBe('hello');
			expect(text((await artifacts.get('large'))?.bytes)).toBe(large);
			expect(await artifacts.get('none')).toBeUndefined();
			await artifacts.put('large', 'now small');
			expect(text((await artifacts.get('large'))?.bytes)).toBe('now small');
			await artifacts.delete('small');
			expect(artifacts.list().map(({ name }) => name)).toEqual(['large']);
		});
	});

	it('that are put at the same time leave nothing in the bucket that nobody knows', async () => {
		const client = await Client.open();
		await inSession(client, async ({ artifacts, objectId }) => {
			const large = 'x'.repeat(100_000);
			await Promise.all([artifacts.put('one', large), artifacts.put('one', large)]);
			await artifacts.delete('one');
			const { objects } = await env.BUCKET.list({ prefix: `artifacts/${objectId}/` });
			expect(objects).toEqual([]);
		});
	});

	it('that are replaced while they are read are read all the same', async () => {
		const large = 'x'.repeat(100_000);
		let replace = async (): Promise<void> => {};
		// Sound: nothing else of it is called.
		const bucket = {
			get: async (key: string) => {
				const once = replace;
				replace = async () => {};
				await once();
				return env.BUCKET.get(key);
			},
			put: env.BUCKET.put.bind(env.BUCKET),
			delete: env.BUCKET.delete.bind(env.BUCKET),
		} as unknown as R2Bucket;
		world.settings = { bucket };
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await artifacts.put('one', large);
			replace = () => artifacts.put('one', `${large}y`);
			expect((await artifacts.get('one'))?.bytes.byteLength).toBe(100_001);
		});
	});

	it('that are too large for an object without a bucket say what to bind', async () => {
		world.settings = { bucket: undefined };
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await expect(artifacts.put('large', 'x'.repeat(100_000))).rejects.toThrow(
				/has 100000 bytes, where the object keeps at most 65536; bind an R2 bucket and set settings\.bucket/,
			);
		});
	});
});
