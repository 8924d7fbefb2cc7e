import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import { OpenStream } from '@tmcp-sessions/testkit';
import { startRedis, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RedisProxy, RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { frame, gapsOf, numbered } from './numbered.ts';

let redis: RunningRedis;
/** In front of the process whose connections fail. */
let proxy: RedisProxy;
let errors: Error[] = [];
let prefixes = 0;
let options: { prefix: string; onError: (error: Error) => void };

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

beforeEach(async () => {
	proxy = await startRedisProxy(redis.port);
	// The streams of an earlier test report that its proxy has ended: not to this test.
	const own: Error[] = [];
	errors = own;
	options = { prefix: `{faults-${(prefixes += 1)}}:`, onError: (error) => void own.push(error) };
});

afterEach(() => proxy.stop());

/** Creates the manager of a process behind the proxy, and that of another process. */
function twoProcesses(timeoutMs?: number): {
	manager: RedisStreamSessionManager;
	other: RedisStreamSessionManager;
} {
	const url = `redis://127.0.0.1:${proxy.port}`;
	return {
		manager: new RedisStreamSessionManager(connectRedis(url, { timeoutMs }), options),
		other: new RedisStreamSessionManager(connectRedis(`redis://127.0.0.1:${redis.port}`), options),
	};
}

describe('a connection that is reset', () => {
	it('loses, repeats and reorders no message of a stream that stays open', async () => {
		const { manager, other } = twoProcesses();
		const stream = await OpenStream.open(manager, 'a');
		const sent = numbered('message', 200);
		for (const [index, message] of sent.entries()) {
			await (index % 2 === 0 ? other : manager).send(
				index % 5 === 0 ? undefined : ['a'],
				frame(message),
			);
			if (index % 10 === 0) proxy.reset();
		}
		await stream.until('"message 199"');
		expect(stream.messages).toEqual(sent);
		expect(gapsOf(stream)).toEqual([]);
		expect(errors).toEqual([]);
	});

	it('loses, repeats and reorders no message that is sent while the connection is reset', async () => {
		const { manager, other } = twoProcesses();
		const stream = await OpenStream.open(other, 'a');
		const sent = numbered('message', 400);
		const sending: Promise<void>[] = [];
		for (const [index, message] of sent.entries()) {
			sending.push(manager.send(['a'], frame(message)));
			if (index % 40 === 20) {
				await new Promise((resolve) => setImmediate(resolve));
				proxy.reset();
			}
		}
		await Promise.all(sending);
		await stream.until('"message 399"');
		expect(stream.messages).toEqual(sent);
		expect(errors).toEqual([]);
	});

	it('stores a message once whose response was lost', async () => {
		const { manager, other } = twoProcesses();
		const stream = await OpenStream.open(other, 'a');
		await manager.send(['a'], frame('first'));
		proxy.isSilent = true;
		const sending = manager.send(['a'], frame('once'));
		await stream.until('once');
		proxy.isSilent = false;
		proxy.reset();
		await sending;
		await manager.send(['a'], frame('last'));
		await stream.until('last');
		expect(stream.messages).toEqual(['first', 'once', 'last']);
	});

	it('delivers to an inbox once it has come back', async () => {
		const { manager, other } = twoProcesses();
		const received: string[] = [];
		await manager.openInbox('a', (message) => void received.push(message));
		proxy.reset();
		await expect.poll(() => other.deliver('a', 'after')).toBe(1);
		await expect.poll(() => received).toEqual(['after']);
	});

	it('ends subscriptions with an empty result, so that their clients listen again', async () => {
		const url = `redis://127.0.0.1:${proxy.port}`;
		const manager = new RedisSubscriptionManager(connectRedis(url), options);
		const closed = Promise.withResolvers<string>();
		const filters = { toolsListChanged: true };
		await manager.create(
			{ id: 1, origin: 'o', filters },
			{ acknowledge: () => {}, send: () => {}, close: closed.resolve },
		);
		proxy.reset();
		expect(await closed.promise).toBe('closed');
	});

	it('holds two connections for any number of streams', async () => {
		const { manager } = twoProcesses();
		const ids = numbered('session', 200);
		await Promise.all(ids.map((id) => OpenStream.open(manager, id)));
		expect(proxy.connections).toBe(2);
	});
});

describe('a Redis that cannot be reached', () => {
	const rejects = async (operation: Promise<unknown>): Promise<Error> =>
		operation.then(
			() => expect.unreachable('it must reject'),
			(error: Error) => error,
		);

	it('rejects a stream, an inbox and a delivery at the start, and serves them later', async () => {
		proxy.isRefusing = true;
		const { manager } = twoProcesses();
		const errorsOf = await Promise.all(
			[
				OpenStream.open(manager, 'a'),
				manager.openInbox('a', () => {}),
				manager.deliver('a', 'text'),
				manager.hasOpenStream('a'),
				manager.delete('a'),
			].map(rejects),
		);
		for (const error of errorsOf) {
			expect(error).toMatchObject({ code: 'stream' });
			expect(error.message).toMatch(
				/^\[tmcp-sessions\/streams-redis\] .* failed: .*(ECONNRESET|closed)/i,
			);
		}
		proxy.isRefusing = false;
		const stream = await OpenStream.open(manager, 'b');
		await manager.send(['b'], frame('at last'));
		await stream.until('at last');
	});

	it('keeps streams open meanwhile, and sends what they missed', async () => {
		const { manager, other } = twoProcesses();
		const stream = await OpenStream.open(manager, 'a');
		await other.send(['a'], frame('before'));
		await stream.until('before');
		proxy.isRefusing = true;
		proxy.reset();
		for (const message of numbered('missed', 20)) await other.send(['a'], frame(message));
		await other.send(undefined, frame('missed by all'));
		expect(await rejects(manager.deliver('a', 'text'))).toMatchObject({ code: 'stream' });
		proxy.isRefusing = false;
		await stream.until('missed by all');
		expect(stream.messages).toEqual(['before', ...numbered('missed', 20), 'missed by all']);
		expect(gapsOf(stream)).toEqual([]);
	});

	it('rejects an operation that Redis does not answer in time, and connects anew', async () => {
		const { manager } = twoProcesses(500);
		await expect.poll(() => manager.hasOpenStream('a').catch(() => true)).toBe(false);
		proxy.isSilent = true;
		const error = await rejects(manager.hasOpenStream('a'));
		expect(error.message).toContain('no response within 500 ms');
		proxy.isSilent = false;
		await expect.poll(() => manager.hasOpenStream('a').catch(() => true)).toBe(false);
	});

	it('serves streams although each answer takes a while', async () => {
		const { manager, other } = twoProcesses();
		proxy.answerDelayMs = 60;
		const stream = await OpenStream.open(manager, 'a');
		const sent = numbered('message', 30);
		for (const message of sent) await other.send(['a'], frame(message));
		await stream.until('message 29');
		expect(stream.messages).toEqual(sent);
	});

	it('resumes a stream of a process that is gone in another one, without a loss', async () => {
		const { manager, other } = twoProcesses();
		const stream = await OpenStream.open(manager, 'a');
		await other.send(['a'], frame('seen'));
		await stream.until('seen');
		proxy.isRefusing = true;
		proxy.reset();
		for (const message of numbered('missed', 5)) await other.send(['a'], frame(message));
		expect(await other.hasOpenStream('a')).toBe(false);
		const resumed = await OpenStream.open(other, 'a', stream.lastEventId);
		await other.send(['a'], frame('live'));
		await resumed.until('live');
		expect(resumed.messages).toEqual([...numbered('missed', 5), 'live']);
		proxy.isRefusing = false;
		// The process comes back: its old connection must not take over again.
		await expect.poll(() => proxy.connections).toBe(2);
		await other.send(['a'], frame('still here'));
		await resumed.until('still here');
		expect(stream.messages).not.toContain('still here');
	});
});

describe('maxStreamSeconds', () => {
	it('ends a stream that its client resumes without a loss, and a subscription', async () => {
		const { other } = twoProcesses();
		const connection = connectRedis(`redis://127.0.0.1:${proxy.port}`);
		const brief = { ...options, maxStreamSeconds: 0.1 };
		const manager = new RedisStreamSessionManager(connection, brief);
		const stream = await OpenStream.open(manager, 'a');
		await stream.ended;
		expect(stream.text).toMatch(/retry: \d+\n\n$/);
		await other.send(['a'], frame('in between'));
		const resumed = await OpenStream.open(other, 'a', stream.lastEventId);
		await resumed.until('in between');

		const closed = Promise.withResolvers<string>();
		await new RedisSubscriptionManager(connection, brief).create(
			{ id: 1, origin: 'o', filters: { toolsListChanged: true } },
			{ acknowledge: () => {}, send: () => {}, close: closed.resolve },
		);
		expect(await closed.promise).toBe('closed');
		expect(errors).toEqual([]);
	});
});
