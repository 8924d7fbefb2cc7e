import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import {
	CLIENT_INFO,
	testInfoSessionManager,
	testSessionAdministration,
	TransportClient,
} from '@tmcp-sessions/testkit';
import { Redis } from '@upstash/redis';
import { describe, expect, it } from 'vitest';
import { UpstashInfoSessionManager } from '../src/index.ts';
import type { UpstashInfoOptions } from '../src/index.ts';
import { redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();
const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');

/** Creates a manager, like a new process. */
function manager(options: Partial<UpstashInfoOptions> = {}): UpstashInfoSessionManager {
	return new UpstashInfoSessionManager({ redis: new Redis(redis()), ...options });
}

testInfoSessionManager('UpstashInfoSessionManager', { manager });

testInfoSessionManager('SealedInfoSessionManager over UpstashInfoSessionManager', {
	manager: (options) =>
		new SealedInfoSessionManager({ ...options, keys: [key], rest: manager(), recheckSeconds: 0 }),
});

testSessionAdministration('UpstashInfoSessionManager', { manager });

describe('UpstashInfoSessionManager', () => {
	it('sends nothing before its first use', () => {
		redis().takeRequests();
		manager();
		expect(redis().takeRequests()).toEqual([]);
	});

	it('sends 1 HTTP request for initialize and 1 for another request', async () => {
		const info = manager();
		redis().takeRequests();
		const session = await new TransportClient(info).initialize();
		await info.flush(session);
		expect(redis().takeRequests()).toEqual([{ path: '/pipeline', commands: ['EVAL'] }]);
		await new TransportClient(manager()).post({ id: 2, method: 'ping' }, session);
		expect(redis().takeRequests()).toEqual([{ path: '/pipeline', commands: ['GETEX'] }]);
	});

	it('reads and writes only keys with its prefix', async () => {
		const options = { redis: new Redis(redis()), prefix: 'a tenant:' };
		const info = new UpstashInfoSessionManager(options);
		const session = await new TransportClient(info).initialize();
		await info.flush(session);
		expect(await manager().getClientInfo(session)).toBeUndefined();
		expect(await new UpstashInfoSessionManager(options).getClientInfo(session)).toEqual(
			CLIENT_INFO,
		);
	});
});
