import { evictDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { alarm, DAY_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { databaseBytes, objectOf, tablesOf } from './fixture/objects.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

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

	it('over a size are in the bucket, and the object has no more than where', async () => {
		const client = await Client.open();
		const before = await databaseBytes(objectOf(client));
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(1_000_000)));
		expect(await databaseBytes(objectOf(client))).toBe(before);
		expect(await sizesInBucket(client)).toEqual([1_000_000]);
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(500_000)));
		expect(await sizesInBucket(client)).toEqual([500_000]);
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'now small'));
		expect(await sizesInBucket(client)).toEqual([]);
	});

	it('go from the bucket with their session, where its client ended it', async () => {
		const client = await Client.open();
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(100_000)));
		await evictDurableObject(objectOf(client));
		await client.send('DELETE');
		world.skewMs = 31_000;
		await alarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await sizesInBucket(client)).toEqual([]);
	});

	it('stay in the bucket for an archive, and are found again once it is restored', async () => {
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await artifacts.put('large', 'x'.repeat(100_000));
			await artifacts.put('small', new Uint8Array([0, 255]));
		});
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect(await sizesInBucket(client)).toEqual([100_000]);
		world.skewMs = 0;
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		await inSession(client, async ({ artifacts }) => {
			expect((await artifacts.get('large'))?.bytes.byteLength).toBe(100_000);
			expect([
				...new Uint8Array((await artifacts.get('small'))?.bytes ?? new ArrayBuffer()),
			]).toEqual([0, 255]);
		});
	});

	it('that are no longer in the bucket say so', async () => {
		const client = await Client.open();
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(100_000)));
		const { objects } = await listed(client);
		await env.BUCKET.delete(objects.map(({ key }) => key));
		await inSession(client, async ({ artifacts }) => {
			await expect(artifacts.get('large')).rejects.toThrow(
				/"large" is not in the bucket: .+ Put the artifact again, or delete it/,
			);
		});
	});

	it('that are too large for an object without a bucket say what to bind', async () => {
		world.settings = { bucket: undefined };
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await expect(artifacts.put('large', 'x'.repeat(100_000))).rejects.toThrow(
				/has 100000 bytes and the object stores at most 65536; bind an R2 bucket and set settings\.bucket/,
			);
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

	it.each([
		['its client ended', true, 31_000],
		['has expired', false, DAY_MS + 1_000],
	])(
		'whose object is lost while they are put leave nothing in the bucket once the session %s',
		async (_what, isEnded, endMs) => {
			const put = Promise.withResolvers<void>();
			world.settings = {
				bucket: bucketWith({
					put: async (key, bytes) => {
						await env.BUCKET.put(key, bytes);
						put.resolve();
						await new Promise(() => {});
					},
				}),
			};
			const client = await Client.open();
			await inSession(client, async ({ artifacts }) => {
				artifacts.put('large', 'x'.repeat(100_000)).catch(() => {});
				await put.promise;
			});
			world.settings = undefined;
			await evictDurableObject(objectOf(client));
			expect(await sizesInBucket(client)).toEqual([100_000]);
			if (isEnded) await client.send('DELETE');
			world.skewMs = endMs;
			await alarm(client);
			expect(await tablesOf(objectOf(client))).toEqual([]);
			expect(await sizesInBucket(client)).toEqual([]);
		},
	);

	it('that the bucket does not let go of are removed from it with their session', async () => {
		const down = { isDown: true };
		world.settings = {
			bucket: bucketWith({
				delete: async (keys) => {
					if (down.isDown) throw new Error('bucket is down');
					await env.BUCKET.delete(keys);
				},
			}),
		};
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await artifacts.put('replaced', 'x'.repeat(100_000));
			await artifacts.put('deleted', 'x'.repeat(200_000));
			await expect(artifacts.put('replaced', 'x'.repeat(300_000))).rejects.toThrow(/is down/);
			await expect(artifacts.delete('deleted')).rejects.toThrow(/is down/);
		});
		expect(await sizesInBucket(client)).toHaveLength(3);
		down.isDown = false;
		world.skewMs = DAY_MS + 1_000;
		await alarm(client);
		expect(await sizesInBucket(client)).toEqual([300_000]);
	});

	it('whose upload ends after their session leave nothing in the bucket', async () => {
		const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		world.settings = {
			bucket: bucketWith({
				put: async (key, bytes) => {
					begun.resolve();
					await gate.promise;
					await env.BUCKET.put(key, bytes);
				},
			}),
		};
		const client = await Client.open();
		const putting = Promise.withResolvers<unknown>();
		await inSession(client, async ({ artifacts }) => {
			artifacts.put('large', 'x'.repeat(100_000)).then(putting.resolve, putting.resolve);
			await begun.promise;
		});
		await client.send('DELETE');
		world.skewMs = 31_000;
		await alarm(client);
		gate.resolve();
		expect(String(await putting.promise)).toMatch(/the session has ended/);
		expect(await sizesInBucket(client)).toEqual([]);
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
});

/** The bucket of the tests, some of whose methods are others. */
function bucketWith(methods: {
	put?: (key: string, bytes: ArrayBuffer) => Promise<void>;
	delete?: (keys: string | string[]) => Promise<void>;
}): R2Bucket {
	return new Proxy(env.BUCKET, {
		get(target, key) {
			if (Object.hasOwn(methods, key)) return Reflect.get(methods, key) as unknown;
			const member: unknown = Reflect.get(target, key, target);
			return typeof member === 'function' ? (member.bind(target) as unknown) : member;
		},
	});
}

function listed(client: Client): Promise<R2Objects> {
	return env.BUCKET.list({ prefix: `artifacts/${objectOf(client).id.toString()}/` });
}

async function sizesInBucket(client: Client): Promise<number[]> {
	return (await listed(client)).objects.map(({ size }) => size);
}
