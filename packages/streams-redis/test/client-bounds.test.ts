import { runInScope } from '@tmcp-sessions/core/internal';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager } from '@tmcp-sessions/streams-redis';
import { OpenStream } from '@tmcp-sessions/testkit';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, expect, it } from 'vitest';

const TOO_MANY = 'a client may have at most 4096 open streams';

let redis: RunningRedis;
let manager: RedisStreamSessionManager;

beforeAll(async () => {
	redis = await startRedis();
	const connection = connectRedis(`redis://127.0.0.1:${redis.port}`);
	manager = new RedisStreamSessionManager(connection, { onError: () => {} });
});

afterAll(() => redis.stop());

it('a client opens at most 4,096 streams in all of its sessions, and others go on', async () => {
	const open = (client: string, session: string): Promise<OpenStream> =>
		OpenStream.open(manager, session, undefined, undefined, client);
	const streams: OpenStream[] = [];
	for (let start = 0; start < 4_096; start += 64) {
		const ids = Array.from({ length: 64 }, (_, index) => `session-${(start + index) >> 4}`);
		streams.push(...(await Promise.all(ids.map((id) => open('one', id)))));
	}
	await expect(open('one', 'another')).rejects.toThrow(TOO_MANY);
	await (await open('other', 'of another client')).cancel();
	await streams[0]?.cancel();
	await (await open('one', 'another')).cancel();
});

it('a client opens at most 4,096 inboxes in all of its sessions, and others go on', async () => {
	const open = (client: string, session: string): ReturnType<typeof manager.openInbox> =>
		runInScope({ waitUntil: () => {}, client }, () => manager.openInbox(session, () => {}));
	const inboxes = [];
	for (let start = 0; start < 4_096; start += 64) {
		const ids = Array.from({ length: 64 }, (_, index) => `inboxes-${(start + index) >> 4}`);
		inboxes.push(...(await Promise.all(ids.map((id) => open('one', id)))));
	}
	await expect(open('one', 'another')).rejects.toThrow(TOO_MANY);
	(await open('other', 'of another client')).close();
	inboxes[0]?.close();
	(await open('one', 'another')).close();
});
