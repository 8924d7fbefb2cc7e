import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager } from '@tmcp-sessions/streams-redis';
import { OpenStream } from '@tmcp-sessions/testkit';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';

import { frame, numbered } from './numbered.ts';

let redis: RunningRedis;

beforeAll(async () => {
	redis = await startRedis();
});

afterAll(() => redis.stop());

afterEach(() => void vi.useRealTimers());

/** Returns how often Redis has run each command since the last reset, also within scripts. */
async function readCommands(): Promise<Record<string, number>> {
	const text = String(await redis.command('INFO', 'commandstats'));
	const counts = [...text.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)];
	return Object.fromEntries(
		counts
			.map(([, name = '', calls = '0']) => [name, Number(calls)] as const)
			.filter(([name]) => !/^(?:info|config)/.test(name) || name === 'info|in-script'),
	);
}

/** Returns the same, and resets it. */
async function takeCommands(): Promise<Record<string, number>> {
	const commands = await readCommands();
	await redis.command('CONFIG', 'RESETSTAT');
	return commands;
}

interface Opened {
	readonly managers: readonly RedisStreamSessionManager[];
	readonly streams: readonly OpenStream[];
}

/** Opens streams of the sessions 0 to `count` - 1, in turn by each of some processes. */
async function open(prefix: string, processes: number, count: number): Promise<Opened> {
	const managers = Array.from(
		{ length: processes },
		() =>
			new RedisStreamSessionManager(connectRedis(`redis://127.0.0.1:${redis.port}`), {
				prefix,
				onError: () => {},
			}),
	);
	const streams: OpenStream[] = [];
	for (const id of Array.from({ length: count }, (_, index) => index)) {
		const manager = managers[id % processes];
		if (manager) streams.push(await OpenStream.open(manager, `${id}`));
	}
	return { managers, streams };
}

it('runs the same commands for a message to 10 of 100 and of 10,000 sessions, and publishes to their process only', async () => {
	const counts = [];
	for (const size of [100, 10_000]) {
		const { managers, streams } = await open(`{of-${size}}:`, 3, size);
		await managers[0]?.send(['0'], frame('first'));
		await takeCommands();
		// One of three processes holds them.
		const receivers = Array.from({ length: 10 }, (_, index) => `${index * 3}`);
		await managers[0]?.send(receivers, frame('to ten'));
		counts.push(await takeCommands());
		const held = streams.filter((_, id) => receivers.includes(`${id}`));
		await Promise.all(held.map((stream) => stream.until('to ten')));
		expect(streams[1]?.messages).toEqual([]);
	}
	expect(counts[1]).toEqual(counts[0]);
	expect(counts[0]).toMatchObject({ evalsha: 1, publish: 1, xadd: 10 });
});

it('runs one script and one publication a process for a broadcast', async () => {
	for (const processes of [1, 5]) {
		const { managers, streams } = await open(`{broadcast-${processes}}:`, processes, 50);
		await managers[0]?.send(undefined, frame('first'));
		await takeCommands();
		await managers[0]?.send(undefined, frame('to all'));
		const counts = await takeCommands();
		expect(counts).toMatchObject({ evalsha: 1, publish: processes, xadd: 1 });
		await Promise.all(streams.map((stream) => stream.until('to all')));
	}
});

it('sends messages of one turn with one script', async () => {
	const { managers, streams } = await open('{turn}:', 1, 2);
	await takeCommands();
	const sent = numbered('message', 50);
	await Promise.all(sent.map(async (message) => managers[0]?.send(['0', '1'], frame(message))));
	expect(await takeCommands()).toMatchObject({ evalsha: 1, xadd: 100 });
	await streams[1]?.until('message 49');
	expect(streams[1]?.messages).toEqual(sent);
});

it('runs no command while streams are idle', async () => {
	await open('{idle}:', 2, 20);
	await takeCommands();
	await new Promise((resolve) => setTimeout(resolve, 1_000));
	expect(await takeCommands()).toEqual({});
});

it('renews an idle stream with one command in eight hours, and checks its process every 20 minutes', async () => {
	vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
	await open('{day}:', 1, 300);
	await takeCommands();
	for (let hour = 0; hour < 24; hour++) {
		vi.advanceTimersByTime(3_600_000);
		// The interval fires three times an hour.
		await expect.poll(async () => (await readCommands())['evalsha']).toBe(3 * (hour + 1));
	}
	expect(await readCommands()).toMatchObject({
		evalsha: 72,
		'pubsub|numsub': 72,
		pexpire: 900,
	});
});
