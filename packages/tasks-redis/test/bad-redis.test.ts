import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { sleep } from '@tmcp-sessions/core/backend';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { currentTask } from '@tmcp-sessions/tasks';
import { RedisTasks, RedisTaskStore } from '@tmcp-sessions/tasks-redis';
import type { RedisTasksOptions } from '@tmcp-sessions/tasks-redis';
import { startRedis, startRedisPair, startRedisProxy } from '@tmcp-sessions/testkit/redis';
import type { RedisProxy, RunningRedis, RunningRedisPair } from '@tmcp-sessions/testkit/redis';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { readNotifications, TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Reply } from '@tmcp-sessions/testkit/task-client';

const PASSWORD = 'a-password-of-the-test';
const KEYS = [Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')];

let redis: RunningRedis;
let proxy: RedisProxy;
let errors: string[] = [];
let closing: (() => Promise<unknown>)[] = [];
let gate = Promise.withResolvers<void>();

beforeAll(async () => {
	redis = await startRedis({ requirepass: PASSWORD });
});

afterAll(() => redis.stop());

beforeEach(async () => {
	errors = [];
	gate = Promise.withResolvers();
	proxy = await startRedisProxy(redis.port);
});

afterEach(async () => {
	proxy.isRefusing = false;
	gate.resolve();
	await Promise.all(closing.map((close) => close()));
	closing = [];
	await proxy.stop();
});

interface Process {
	readonly client: TaskClient;
	readonly handler: McpHandler;
	readonly tasks: RedisTasks;
}

let prefixes = 0;

/** Creates a handler with a worker. */
function start(
	options: Partial<RedisTasksOptions> = {},
	url = `redis://:${PASSWORD}@127.0.0.1:${proxy.port}`,
): Process {
	const server = new McpServer(
		{ name: 'reports', version: '1.0.0' },
		{ adapter: undefined, capabilities: { tools: {} } },
	);
	server.tool({ name: 'wait', description: 'Waits between two steps' }, async () => {
		const one = await currentTask().step('one', () => 'one');
		await gate.promise;
		const two = await currentTask().step('two', () => 'two');
		return tool.text(one + two);
	});
	server.tool({ name: 'large', description: 'Returns too much' }, () =>
		tool.text('x'.repeat(2_000_000)),
	);
	server.tool({ name: 'large_step', description: 'Stores too much' }, async () => {
		await currentTask().step('one', () => 'x'.repeat(2_000_000));
		return tool.text('stored');
	});
	server.tool({ name: 'quick', description: 'Returns at once' }, () => tool.text('done'));
	const policy = { pollSeconds: 0.1 };
	const redisConnection = connectRedis(url, { timeoutMs: 1_000 });
	const tasks = new RedisTasks(redisConnection, {
		prefix: `{bad-${(prefixes += 1)}}:`,
		tools: { wait: policy, quick: policy, large: policy, large_step: policy },
		...options,
	});
	// The handler of an earlier test may still report.
	const own = errors;
	const handler = createMcpHandler(server, {
		tasks,
		sessionKeys: KEYS,
		principal: () => 'alice',
		onError: ({ message }) => void own.push(message),
	});
	closing.push(async () => {
		await tasks.close(0);
		redisConnection.close();
	});
	return { handler, tasks, client: new TaskClient(handler) };
}

function expectUnavailable({ error, headers, status }: Reply): void {
	expect(status).toBe(503);
	expect(headers.get('retry-after')).toMatch(/^\d+$/);
	expect(JSON.stringify(error)).not.toContain(PASSWORD);
}

describe('a Redis that cannot be reached', () => {
	it('is a 503 with Retry-After at the start, and serves tasks once it can be reached', async () => {
		proxy.isRefusing = true;
		const { client } = start();
		expectUnavailable(await client.call('quick'));
		await expect.poll(() => errors).toContainEqual(expect.stringContaining('tasks-redis'));
		proxy.isRefusing = false;
		await expect.poll(async () => (await client.call('quick')).status).toBe(200);
		const taskId = await client.start('quick');
		expect(await client.ended(taskId)).toMatchObject({ result: { content: [{ text: 'done' }] } });
	});

	it('is a 503 with Retry-After in the middle of a task, which then goes on', async () => {
		const { client } = start();
		const taskId = await client.start('wait');
		await sleep(300);
		proxy.isRefusing = true;
		proxy.reset();
		gate.resolve();
		expectUnavailable(await client.get(taskId));
		expectUnavailable(await client.cancel(taskId));
		expectUnavailable(await client.update(taskId, {}));
		expectUnavailable(await client.call('wait'));
		proxy.isRefusing = false;
		expect(await client.ended(taskId)).toMatchObject({ result: { content: [{ text: 'onetwo' }] } });
	});

	it('is a 503 if it does not answer', async () => {
		const { client } = start();
		await client.ended(await client.start('quick'));
		proxy.isSilent = true;
		expectUnavailable(await client.call('quick'));
		proxy.isSilent = false;
		proxy.reset();
		await expect.poll(async () => (await client.call('quick')).status).toBe(200);
	});

	it('makes a subscriber miss no end of a task', async () => {
		const prefix = `{observed-${(prefixes += 1)}}:`;
		const { client } = start({ prefix, concurrency: 0 });
		const direct = `redis://:${PASSWORD}@127.0.0.1:${redis.port}`;
		const worker = start({ prefix }, direct);
		const taskId = await client.start('wait');
		const stream = readNotifications(
			await client.send('subscriptions/listen', { notifications: { taskIds: [taskId] } }),
		);
		await stream.next();
		proxy.isRefusing = true;
		proxy.reset();
		gate.resolve();
		await worker.client.ended(taskId);
		proxy.isRefusing = false;
		let last: unknown;
		while (last !== 'completed') {
			const { params } = await stream.next();
			last = Object(params).status;
		}
		expect(last).toBe('completed');
		await stream.stop();
	});

	it('reports a wrong password', async () => {
		const { client } = start({}, `redis://:wrong-one@127.0.0.1:${redis.port}`);
		expectUnavailable(await client.call('quick'));
		await expect
			.poll(() => errors)
			.toContainEqual(
				expect.stringMatching(
					/^\[tmcp-sessions\/tasks-redis\] running tasks failed: Redis rejected the credentials\. Check/,
				),
			);
		expect(errors.join()).not.toContain('wrong-one');
	});

	it('reports a missing password', async () => {
		const { client } = start({}, `redis://127.0.0.1:${redis.port}`);
		expectUnavailable(await client.call('quick'));
		await expect
			.poll(() => errors)
			.toContainEqual(expect.stringMatching(/Redis rejected the credentials\. Check .*\(NOAUTH/));
	});

	it('reports a replica', async () => {
		const pair = await startRedisPair();
		try {
			const { client, tasks } = start({}, `redis://127.0.0.1:${pair.replica.port}`);
			expectUnavailable(await client.call('quick'));
			await expect
				.poll(() => errors)
				.toContainEqual(
					expect.stringMatching(/read-only replica\. Connect to the primary \(READONLY/),
				);
			await tasks.close(0);
		} finally {
			await pair.stop();
		}
	});

	it('reports a user or a token that may not subscribe', async () => {
		await redis.command('ACL', 'SETUSER', 'narrow', 'on', '>pw', '~*', '+@all', 'resetchannels');
		const tcp = connectRedis(`redis://narrow:pw@127.0.0.1:${redis.port}`);
		const rest = connectUpstash(redis);
		await redis.command('ACL', 'SETUSER', 'default', 'resetchannels');
		try {
			for (const connection of [tcp, rest]) {
				await expect(new RedisTaskStore(connection).watch('task', () => {})).rejects.toThrow(
					/Allow scripts, publishing and the channels of the prefix.*\(NOPERM/,
				);
			}
		} finally {
			await redis.command('ACL', 'SETUSER', 'default', 'allchannels');
			tcp.close();
		}
	});

	it('reports that it is out of memory, and starts nothing', async () => {
		const { client } = start();
		await client.ended(await client.start('quick'));
		await redis.command('CONFIG', 'SET', 'maxmemory', '1');
		try {
			expectUnavailable(await client.call('quick'));
		} finally {
			await redis.command('CONFIG', 'SET', 'maxmemory', '0');
		}
		expect(errors).toContainEqual(
			expect.stringContaining('a task failed: Redis is out of memory. Raise maxmemory'),
		);
	});
});

describe('a handler before its first request', () => {
	it('opens no connection, and runs the calls of others once it has started', async () => {
		const prefix = `{first-${(prefixes += 1)}}:`;
		const { tasks } = start({ prefix });
		await sleep(200);
		expect(proxy.connections).toBe(0);
		const web = start({ prefix, concurrency: 0 }, `redis://:${PASSWORD}@127.0.0.1:${redis.port}`);
		const taskId = await web.client.start('quick');
		await sleep(200);
		expect((await web.client.get(taskId)).result).toMatchObject({ status: 'working' });
		tasks.start();
		expect(await web.client.ended(taskId)).toMatchObject({ status: 'completed' });
		expect(errors).toEqual([]);
	});

	it('lets a build end that imports its module without a Redis', async () => {
		const file = fileURLToPath(new URL('fixture/build.ts', import.meta.url));
		const env = { ...process.env, REDIS_URL: 'redis://127.0.0.1:1' };
		const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
			env,
			timeout: 20_000,
		});
		expect(stdout).toBe('built function\n');
		expect(stderr).not.toContain('tasks-redis');
	});
});

describe('a failover while tasks run', () => {
	let pair: RunningRedisPair;
	beforeEach(async () => {
		pair = await startRedisPair();
	});
	afterEach(() => pair.stop());

	it('lets replicated tasks go on, and new ones start', async () => {
		const { client, tasks } = start({}, `redis://127.0.0.1:${pair.proxy.port}`);
		const taskIds: string[] = [];
		for (let index = 0; index < 5; index++) taskIds.push(await client.start('wait'));
		await sleep(300);
		await pair.failOver();
		gate.resolve();
		for (const taskId of taskIds) {
			expect(await client.ended(taskId)).toMatchObject({
				status: 'completed',
				result: { content: [{ text: 'onetwo' }] },
			});
		}
		expect(await client.ended(await client.start('quick'))).toMatchObject({ status: 'completed' });
		await tasks.close(0);
	});

	it('makes a task unknown whose start was not replicated, and hangs nothing', async () => {
		const { client, tasks } = start({}, `redis://127.0.0.1:${pair.proxy.port}`);
		const kept = await client.start('wait');
		await sleep(300);
		await pair.loseWrites();
		const lost = await client.start('wait');
		await pair.failOver();
		gate.resolve();
		expect(await client.ended(kept)).toMatchObject({ status: 'completed' });
		expect((await client.get(lost)).error).toMatchObject({ code: -32_602 });
		expect((await client.cancel(lost)).error).toMatchObject({ code: -32_602 });
		expect(await client.ended(await client.start('quick'))).toMatchObject({ status: 'completed' });
		await tasks.close(0);
	});
});

describe('a payload over the limit', () => {
	it.each([
		['large', /The result of large must have at most 1850000 bytes of JSON; got 20000\d\d/],
		['large_step', /the result of the step "one" must have at most 1850000 bytes/],
	])('lets the task of %s fail with its size', async (name, text) => {
		const { client } = start();
		const task = await client.ended(await client.start(name));
		expect(JSON.stringify(task)).toMatch(new RegExp(text.source.replaceAll('"', '.{1,3}')));
	});
});

describe('what a Redis may do at any time', () => {
	it('continues tasks after its scripts were flushed', async () => {
		const { client } = start();
		const taskId = await client.start('wait');
		await redis.command('SCRIPT', 'FLUSH');
		gate.resolve();
		expect(await client.ended(taskId)).toMatchObject({ status: 'completed' });
		expect(await client.ended(await client.start('quick'))).toMatchObject({ status: 'completed' });
	});

	it('forgets tasks with its data, and hangs nothing', async () => {
		const { client } = start();
		const taskId = await client.start('wait');
		await redis.command('FLUSHALL');
		gate.resolve();
		expect((await client.get(taskId)).error).toMatchObject({ code: -32_602 });
		expect(await client.ended(await client.start('quick'))).toMatchObject({ status: 'completed' });
	});
});

describe('a configuration', () => {
	it('shares nothing with another prefix', async () => {
		const [one, other] = [start(), start()];
		const taskId = await one.client.start('wait');
		expect((await other.client.get(taskId)).error).toMatchObject({ code: -32_602 });
		expect((await other.client.cancel(taskId)).error).toMatchObject({ code: -32_602 });
		gate.resolve();
		expect(await one.client.ended(taskId)).toMatchObject({ status: 'completed' });
	});

	it('runs the calls of its name only', async () => {
		const prefix = `{named-${(prefixes += 1)}}:`;
		const [one, other] = [
			start({ prefix, name: 'one', concurrency: 0 }),
			start({ prefix, name: 'other' }),
		];
		const taskId = await one.client.start('quick');
		await other.client.ended(await other.client.start('quick'));
		expect((await one.client.get(taskId)).result).toMatchObject({ status: 'working' });
		start({ prefix, name: 'one' }).tasks.start();
		expect(await one.client.ended(taskId)).toMatchObject({ status: 'completed' });
	});

	it('is rejected if a value is invalid', () => {
		const tools = { quick: {} };
		const connection = connectRedis('redis://127.0.0.1:1');
		const create =
			(options: Partial<RedisTasksOptions>, redisConnection = connection) =>
			(): unknown =>
				new RedisTasks(redisConnection, { tools, ...options });
		expect(create({ concurrency: -1 })).toThrow(
			'concurrency must be an integer from 0 to 10000; got -1',
		);
		expect(create({ stalledSeconds: 0 })).toThrow(
			'stalledSeconds must be an integer from 1 to 3600; got 0',
		);
		expect(create({ prefix: 'a"b' })).toThrow('prefix must be 1 to 256 printable ASCII');
		expect(create({ prefix: 'plain:' }, connectRedis(['redis://127.0.0.1:1']))).toThrow(
			'on a cluster, prefix must contain a hash tag such as {tmcp}',
		);
		// Safe because the constructor rejects it.
		const upstash = connectUpstash(redis) as unknown as typeof connection;
		expect(create({}, upstash)).toThrow('RedisTasks needs a connection of connectRedis');
		// Safe because the constructor rejects it.
		expect(create({ stalled: 5 } as Partial<RedisTasksOptions>)).toThrow(
			'RedisTasks has no option stalled',
		);
	});
});
