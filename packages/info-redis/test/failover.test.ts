import { createRedisSessionStore } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { openSession } from '@tmcp-sessions/testkit';
import { startRedisPair } from '@tmcp-sessions/testkit/redis';
import type { RunningRedisPair } from '@tmcp-sessions/testkit/redis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let pair: RunningRedisPair;

beforeEach(async () => {
	pair = await startRedisPair();
});

afterEach(() => pair.stop());

describe('a failover', () => {
	it('keeps what was replicated, and loses a DELETE and a single use that were not', async () => {
		const { record } = openSession();
		const session = { ...record, expiresAtMs: Date.now() + 60_000 };
		const store = createRedisSessionStore(connectRedis(`redis://127.0.0.1:${pair.proxy.port}`));
		await store.create('kept', session);
		await store.create('ended', session);
		await store.create('revived', session);
		await store.delete('ended');
		await pair.loseWrites();
		await store.delete('revived');
		expect(await store.read('revived')).toBeUndefined();
		expect(await store.claim('used', session.expiresAtMs)).toBe(true);
		await pair.failOver();
		expect(await store.read('kept')).toEqual(session);
		expect(await store.read('ended')).toBeUndefined();
		// Declared in docs/guarantees.md: Redis has acknowledged both, and lost them.
		expect(await store.read('revived')).toEqual(session);
		expect(await store.claim('used', session.expiresAtMs)).toBe(true);
	});
});
