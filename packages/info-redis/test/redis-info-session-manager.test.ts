import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import type { RedisInfoOptions } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import {
	CLIENT_INFO,
	testInfoSessionManager,
	testSessionAdministration,
	TransportClient,
} from '@tmcp-sessions/testkit';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, expect, it } from 'vitest';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

/** Creates a manager, like a new process. */
function manager(options: RedisInfoOptions = {}): RedisInfoSessionManager {
	return new RedisInfoSessionManager(connectRedis(`redis://127.0.0.1:${redis.port}`), options);
}

testInfoSessionManager('RedisInfoSessionManager', { manager });

testSessionAdministration('RedisInfoSessionManager', { manager });

it('reads and writes only keys with its prefix, and rejects an option that it does not have', async () => {
	const options = { prefix: '{a tenant}:' };
	const info = manager(options);
	const session = await new TransportClient(info).initialize();
	await info.flush(session);
	expect(await manager().getClientInfo(session)).toBeUndefined();
	expect(await manager(options).getClientInfo(session)).toEqual(CLIENT_INFO);
	const misspelt: object = { prefixes: '' };
	expect(() => manager(misspelt)).toThrow('RedisInfoSessionManager has no option prefixes');
});
