import { evictDurableObject } from 'cloudflare:test';
import { restoreSession } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';

import { runAlarm, DAY_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { databaseBytes, objectOf, tablesOf } from './fixture/objects.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('artifacts', () => {
	it('can be read, replaced and deleted after an eviction, small and large ones', async () => {
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

	it('are stored in the bucket if they are large, without their bytes in the object', async () => {
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

	it('are deleted from the bucket after their client ends the session', async () => {
		const client = await Client.open();
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(100_000)));
		await evictDurableObject(objectOf(client));
		await client.send('DELETE');
		testState.skewMs = 31_000;
		await runAlarm(client);
		expect(await tablesOf(objectOf(client))).toEqual([]);
		expect(await sizesInBucket(client)).toEqual([]);
	});

	it('stay in the bucket for an archived session, and can be read after it is restored', async () => {
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await artifacts.put('large', 'x'.repeat(100_000));
			await artifacts.put('small', new Uint8Array([0, 255]));
		});
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(await sizesInBucket(client)).toEqual([100_000]);
		testState.skewMs = 0;
		await restoreSession('SESSIONS', objectOf(client).id.toString());
		await inSession(client, async ({ artifacts }) => {
			expect((await artifacts.get('large'))?.bytes.byteLength).toBe(100_000);
			expect([
				...new Uint8Array((await artifacts.get('small'))?.bytes ?? new ArrayBuffer()),
			]).toEqual([0, 255]);
		});
	});

	it('reject a read if the bucket has lost them', async () => {
		const client = await Client.open();
		await inSession(client, ({ artifacts }) => artifacts.put('large', 'x'.repeat(100_000)));
		const { objects } = await listArtifacts(client);
		await env.BUCKET.delete(objects.map(({ key }) => key));
		await inSession(client, async ({ artifacts }) => {
			await expect(artifacts.get('large')).rejects.toThrow(
				/"large" is not in the bucket: .+ Put the artifact again, or delete it/,
			);
		});
	});

	it('are rejected if they are large and there is no bucket, with an error that names the binding', async () => {
		testState.settings = { bucket: undefined };
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await expect(artifacts.put('large', 'x'.repeat(100_000))).rejects.toThrow(
				/has 100000 bytes and the object stores at most 65536; bind an R2 bucket and set settings\.bucket/,
			);
		});
	});

	it('leave no orphans in the bucket if one is put twice at a time', async () => {
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
		['is ended by its client', true, 31_000],
		['expires', false, DAY_MS + 1_000],
	])(
		'leave nothing in the bucket if their object is lost during a put and the session then %s',
		async (_case, isEnded, endMs) => {
			const put = Promise.withResolvers<void>();
			testState.settings = {
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
			testState.settings = undefined;
			await evictDurableObject(objectOf(client));
			expect(await sizesInBucket(client)).toEqual([100_000]);
			if (isEnded) await client.send('DELETE');
			testState.skewMs = endMs;
			await runAlarm(client);
			expect(await tablesOf(objectOf(client))).toEqual([]);
			expect(await sizesInBucket(client)).toEqual([]);
		},
	);

	it('are deleted with their session if the bucket failed to delete them before', async () => {
		const down = { isDown: true };
		testState.settings = {
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
		testState.skewMs = DAY_MS + 1_000;
		await runAlarm(client);
		expect(await sizesInBucket(client)).toEqual([300_000]);
	});

	it('leave nothing in the bucket if their upload ends after their session', async () => {
		const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		testState.settings = {
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
		testState.skewMs = 31_000;
		await runAlarm(client);
		gate.resolve();
		expect(String(await putting.promise)).toMatch(/the session has ended/);
		expect(await sizesInBucket(client)).toEqual([]);
	});

	it('can be read while they are replaced', async () => {
		const large = 'x'.repeat(100_000);
		let replace = async (): Promise<void> => {};
		// Safe because nothing else of the bucket is called.
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
		testState.settings = { bucket };
		const client = await Client.open();
		await inSession(client, async ({ artifacts }) => {
			await artifacts.put('one', large);
			replace = () => artifacts.put('one', `${large}y`);
			expect((await artifacts.get('one'))?.bytes.byteLength).toBe(100_001);
		});
	});
});

/** Returns the bucket with some methods replaced. */
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

function listArtifacts(client: Client): Promise<R2Objects> {
	return env.BUCKET.list({ prefix: `artifacts/${objectOf(client).id.toString()}/` });
}

async function sizesInBucket(client: Client): Promise<number[]> {
	return (await listArtifacts(client)).objects.map(({ size }) => size);
}
