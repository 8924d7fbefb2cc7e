import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager } from '@tmcp-sessions/streams-redis';
import { OpenStream } from '@tmcp-sessions/testkit';
import { startRedisPair, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RunningRedisPair } from '@tmcp-sessions/testkit/redis';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { frame, gapsOf, numbered } from './numbered.ts';

let pair: RunningRedisPair;
let errors: Error[] = [];

beforeEach(async () => {
	pair = await startRedisPair();
	errors = [];
});

afterEach(() => pair.stop());

function createManager(port = pair.proxy.port): RedisStreamSessionManager {
	const connection = connectRedis(`redis://127.0.0.1:${port}`);
	// The managers of an earlier test may still report.
	const own = errors;
	return new RedisStreamSessionManager(connection, { onError: (error) => own.push(error) });
}

it('sends what the new primary has once, after the announcement of a gap', async () => {
	const [manager, other] = [createManager(), createManager()];
	const stream = await OpenStream.open(manager, 'a');
	for (const message of numbered('before', 10)) await other.send(['a'], frame(message));
	await stream.until('before 9');
	await pair.failOver();
	for (const message of numbered('after', 10)) await other.send(['a'], frame(message));
	await stream.until('after 9');
	expect(stream.messages).toEqual([...numbered('before', 10), ...numbered('after', 10)]);
	expect(gapsOf(stream)).toEqual([
		': gap, Redis was restarted or failed over: events may have been lost',
	]);
	expect(errors.map(({ message }) => message)).toEqual([
		expect.stringContaining('Redis was restarted or failed over'),
	]);
});

it('loses what was not replicated, announces it, and sends the messages with the same sequence', async () => {
	const [manager, other] = [createManager(), createManager()];
	const stream = await OpenStream.open(manager, 'a');
	const away = await OpenStream.open(manager, 'b');
	await other.send(['a', 'b'], frame('replicated'));
	await Promise.all([stream, away].map((each) => each.until('replicated')));
	await away.cancel();
	await pair.loseWrites();
	for (const message of numbered('not replicated', 5)) await other.send(['a', 'b'], frame(message));
	await stream.until('not replicated 4');
	await pair.failOver();
	// These have the sequences of the lost ones, and must not be taken for them.
	for (const message of numbered('after', 5)) await other.send(['a', 'b'], frame(message));
	await stream.until('after 4');
	expect(stream.messages).toEqual([
		'replicated',
		...numbered('not replicated', 5),
		...numbered('after', 5),
	]);
	expect(gapsOf(stream)).toHaveLength(1);
	const resumed = await OpenStream.open(other, 'b', away.lastEventId);
	await other.send(['b'], frame('live'));
	await resumed.until('live');
	expect(resumed.messages).toEqual([...numbered('after', 5), 'live']);
	expect(gapsOf(resumed)).toHaveLength(1);
});

it('sends each message once through several failovers', async () => {
	const [manager, other] = [createManager(), createManager()];
	const stream = await OpenStream.open(manager, 'a');
	const sent: string[] = [];
	for (let round = 0; round < 4; round++) {
		const messages = numbered(`round ${round}, message`, 20);
		sent.push(...messages);
		for (const message of messages) await other.send(['a'], frame(message));
		await stream.until(messages.at(-1) ?? '');
		await pair.failOver();
	}
	await other.send(['a'], frame('last'));
	await stream.until('last');
	expect(stream.messages).toEqual([...sent, 'last']);
});

it('replays what was sent in several epochs while a process was away, after one announcement', async () => {
	const own = await startRedisProxy(pair.proxy.port);
	const [manager, other] = [createManager(own.port), createManager()];
	const stream = await OpenStream.open(manager, 'a');
	await other.send(['a'], frame('before'));
	await stream.until('before');
	own.isRefusing = true;
	own.reset();
	const sent: string[] = [];
	for (let round = 0; round < 3; round++) {
		await pair.failOver();
		for (const message of numbered(`round ${round}, message`, 4)) {
			sent.push(message);
			await other.send(sent.length % 2 === 0 ? undefined : ['a'], frame(message));
		}
	}
	own.isRefusing = false;
	await other.send(['a'], frame('last'));
	await stream.until('last');
	expect(stream.messages).toEqual(['before', ...sent, 'last']);
	expect(gapsOf(stream)).toHaveLength(1);
	await own.stop();
});

it('replays messages to all that were sent before a stream came back whose registration was lost', async () => {
	const own = await startRedisProxy(pair.proxy.port);
	const [manager, other] = [createManager(own.port), createManager()];
	await pair.loseWrites();
	const stream = await OpenStream.open(manager, 'a');
	await manager.send(['a'], frame('seen'));
	await stream.until('seen');
	own.isRefusing = true;
	own.reset();
	await pair.failOver();
	const sent = numbered('to all', 3);
	for (const message of sent) await other.send(undefined, frame(message));
	own.isRefusing = false;
	await expect.poll(() => other.hasOpenStream('a')).toBe(true);
	await other.send(['a'], frame('last'));
	await stream.until('last');
	expect(stream.messages).toEqual(['seen', ...sent, 'last']);
	expect(gapsOf(stream)).toHaveLength(1);
	await own.stop();
});
