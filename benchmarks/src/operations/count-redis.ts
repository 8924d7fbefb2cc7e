import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { mock } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DenoKvSessionStore } from '@tmcp-sessions/info-deno-kv';
import { createRedisSessionStore } from '@tmcp-sessions/info-redis';
import type { StoreCapabilities } from '@tmcp-sessions/core/backend';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager } from '@tmcp-sessions/streams-redis';
import type { TaskRecord } from '@tmcp-sessions/tasks/backend';
import { RedisTasks, RedisTaskStore } from '@tmcp-sessions/tasks-redis';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { RedisTcpConnection } from '@tmcp-sessions/redis/tcp';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import {
	changingUri,
	endSession,
	EventStream,
	openStream,
	sessionMessage,
	statelessListen,
	statelessToolCall,
	SUM,
	toolCall,
} from '../client/mcp.ts';
import { IDLE_DAY, SESSION_CALL } from './count-operations.ts';
import type { OperationCounts } from './counts.ts';
import { createServer } from '../workers/server.ts';
import { connect, connectTcp, KEY, serveOverRedis } from '../redis/redis-server.ts';
import type { RedisClientName, RedisServer } from '../redis/redis-server.ts';

/** What Redis runs for each kind of request. */
type RedisCountsByKind = Readonly<Record<string, OperationCounts>>;

/** The commands that Redis has run, and what the stores of other runtimes declare. */
export interface RedisOperations {
	/** Streams, subscriptions and metadata over each client. */
	readonly all: Readonly<Record<RedisClientName, RedisCountsByKind>>;
	/** Metadata alone, with streams in memory. */
	readonly info: Readonly<Record<RedisClientName, RedisCountsByKind>>;
	readonly capabilities: Readonly<Record<'deno-kv' | 'redis', StoreCapabilities>>;
}

/** The number of idle streams in the process that is counted. */
export const HELD_STREAMS = 1_000;
/** The kinds of a resumed stream, of its end and of a whole task. */
export const RESUME = 'GET stream that resumes, 10 messages missed';
export const CLOSE_STREAM = 'end of a stream';
export const WHOLE_TASK = 'task, with BullMQ: from start to result';
const FEW = 100;
const MANY = 10_000;
const RECEIVERS = 10;
const HOURS_PER_DAY = 24;
const HOUR_MS = 3_600_000;
/** Commands of this counter, and of clients that connect. */
const OWN = /^(?:config\|resetstat|client\|.*|hello|auth|ping|quit|script.*|cluster.*)$/;

/** Counts the commands of every kind of request over both clients. */
export async function countRedis(): Promise<RedisOperations> {
	return {
		all: { tcp: await countAll('tcp'), upstash: await countAll('upstash') },
		info: { tcp: await countApart('info', 'tcp'), upstash: await countApart('info', 'upstash') },
		capabilities: {
			redis: createRedisSessionStore(connectRedis('redis://127.0.0.1:1')).capabilities,
			'deno-kv': new DenoKvSessionStore().capabilities,
		},
	};
}

/** Counts streams, subscriptions, metadata and tasks. */
async function countAll(client: RedisClientName): Promise<RedisCountsByKind> {
	return {
		...(await countApart('sessions', client)),
		...(await countApart('fan-out', client)),
		...(await countApart('idle-day', client)),
		...(await countApart('tasks', client)),
	};
}

/** Counts a part in a separate process, so that streams that it leaves open disturb no other part. */
async function countApart(part: RedisPart, client: RedisClientName): Promise<RedisCountsByKind> {
	const file = join(import.meta.dirname, '../redis/count-process.ts');
	const { stdout } = await promisify(execFile)(process.execPath, [file, part, client]);
	// Safe because the process prints nothing else.
	return JSON.parse(stdout) as RedisCountsByKind;
}

/** Counts what one request does, and nothing from before. */
type Count = <Result>(kind: string, request: () => Promise<Result>) => Promise<Result>;

/** Counts the commands that Redis runs. */
class CommandCounter {
	readonly #redis: RunningRedis;
	/** The times that this counter has read the statistics, which count too. */
	#own = 0;

	constructor(redis: RunningRedis) {
		this.#redis = redis;
	}

	/** Waits until Redis is quiet and returns what it ran since the previous call. */
	async take(): Promise<OperationCounts> {
		let before = '';
		for (;;) {
			const text = await this.#read();
			const now = JSON.stringify([...text].filter(([name]) => name !== 'info'));
			if (now === before) {
				await this.#redis.command('CONFIG', 'RESETSTAT');
				const own = this.#own - 1;
				this.#own = 0;
				return countsOf(text, own);
			}
			before = now;
			await delay(60);
		}
	}

	async #read(): Promise<Map<string, number>> {
		const stats = String(await this.#redis.command('INFO', 'commandstats'));
		this.#own += 1;
		// Lines such as `cmdstat_get:calls=2,usec=…`.
		return new Map(
			[...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].flatMap(([, name = '', calls]) =>
				OWN.test(name) ? [] : [[name, Number(calls)]],
			),
		);
	}
}

/**
 * Redis counts a script as one command and each command in it as one more, and so does Upstash's bill:
 * https://upstash.com/docs/redis/sdks/ratelimit-ts/costs
 */
function countsOf(stats: ReadonlyMap<string, number>, own: number): OperationCounts {
	const redisScripts = (stats.get('evalsha') ?? 0) + (stats.get('eval') ?? 0);
	const redisCommands = [...stats.values()].reduce((sum, calls) => sum + calls, 0) - own;
	const redisReads = redisScripts === 0 ? redisCommands : 0;
	return {
		...(redisReads > 0 && { redisReads }),
		...(redisScripts > 0 && { redisScripts }),
		...(redisCommands > 0 && { redisCommands }),
	};
}

/** Runs each request once before it is counted: Redis has each script then. */
async function counting(
	redis: RunningRedis,
	run: (count: Count) => Promise<void>,
): Promise<RedisCountsByKind> {
	await run((_kind, request) => request());
	const counter = new CommandCounter(redis);
	const counts: Record<string, OperationCounts> = {};
	await run(async (kind, request) => {
		await counter.take();
		const result = await request();
		counts[kind] = await counter.take();
		return result;
	});
	return counts;
}

const PARTS = {
	info: countInfo,
	sessions: countSessions,
	'fan-out': countFanOut,
	'idle-day': countIdleDay,
	tasks: (redis: RunningRedis, name: RedisClientName) =>
		counting(redis, (count) => countTasks(redis, name, count)),
};

/** A part of the requests. */
export type RedisPart = keyof typeof PARTS;

/** Counts a part over a Redis that ends with this process. Leaves streams open. */
export async function countPart(
	part: RedisPart,
	client: RedisClientName,
): Promise<RedisCountsByKind> {
	return PARTS[part](await startRedis(), client);
}

async function countInfo(redis: RunningRedis, name: RedisClientName): Promise<RedisCountsByKind> {
	await using server = await serveOverRedis(redis, name, { isInfoOnly: true });
	const { client } = server;
	return await counting(redis, async (count) => {
		const session = await count('initialize', () => client.open());
		await count('notifications/initialized', () => client.send(initialized(session)));
		await count(SESSION_CALL, () => client.send(toolCall(session), SUM));
		await count('resources/subscribe', () => client.subscribe(session));
		await client.subscribe(session, 'test://another');
		await count('DELETE with 2 subscriptions', () => client.send(endSession(session)));
		const another = await client.open();
		await count('DELETE', () => client.send(endSession(another)));
	});
}

async function countSessions(
	redis: RunningRedis,
	name: RedisClientName,
): Promise<RedisCountsByKind> {
	await using server = await serveOverRedis(redis, name);
	await using other = await serveOverRedis(redis, name);
	return await counting(redis, (count) => countRequests(server, other, count));
}

const initialized = (session: string): ReturnType<typeof sessionMessage> =>
	sessionMessage(session, { method: 'notifications/initialized' });

/** Counts the requests of one server, and of calls whose messages arrive at another one. */
async function countRequests(server: RedisServer, other: RedisServer, count: Count): Promise<void> {
	const { client } = server;
	// Opens what later requests find: the subscription of the process.
	await client.openStream(await client.open());
	const session = await count('initialize', () => client.open());
	await count('notifications/initialized', () => client.send(initialized(session)));
	await count(SESSION_CALL, () => client.send(toolCall(session), SUM));
	await count('tools/call, 2026-07-28', () => client.send(statelessToolCall(), SUM));
	await count('logging/setLevel', () =>
		client.request(session, 'logging/setLevel', { level: 'info' }),
	);
	const stream = await count('GET stream', () => opened(server.url, session));
	await count('resources/subscribe', () => client.subscribe(session));
	await count('resource update, 1 subscriber', async () => {
		await client.send(statelessToolCall('update_resource'), 'updated');
		await stream.waitFor('notifications/resources/updated');
	});
	await count('list change, all sessions', async () => {
		await client.send(statelessToolCall('change_list'), 'changed');
		await stream.waitFor('notifications/tools/list_changed');
	});
	await count('a server request and its response', async () => {
		const received = Promise.withResolvers<string>();
		const inbox = await server.streams.openInbox('asking', received.resolve, 'call');
		await other.streams.deliver('asking', 'text', 'call');
		await received.promise;
		inbox.close();
	});
	const lastEventId = /^id: (.+)$/m.exec(stream.text)?.[1];
	await count(CLOSE_STREAM, async () => stream.drop());
	for (let index = 0; index < 10; index++)
		await server.streams.send([internalId(session)], frame(`${index}`));
	const resumed = await count(RESUME, () => opened(server.url, session, lastEventId));
	await resumed.waitFor('"9"');
	resumed.drop();
	const listening = await count('subscriptions/listen', async () => {
		const subscription = await EventStream.open(server.url, statelessListen());
		await subscription.waitFor('acknowledged');
		return subscription;
	});
	await count('end of a subscription', async () => listening.drop());
	await count('resources/unsubscribe', () =>
		client.request(session, 'resources/unsubscribe', { uri: changingUri }),
	);
	await count('DELETE', () => client.send(endSession(session)));
	const subscriber = await client.open();
	await client.subscribe(subscriber);
	await client.subscribe(subscriber, 'test://another');
	await count('DELETE with 2 subscriptions', () => client.send(endSession(subscriber)));
}

/** Opens a stream and waits until it is open. */
async function opened(url: string, session: string, lastEventId?: string): Promise<EventStream> {
	const request = openStream(session, lastEventId);
	// Only these clients get event ids.
	const headers = { ...request.headers, 'mcp-protocol-version': '2025-11-25' };
	const stream = await EventStream.open(url, { ...request, headers });
	await stream.waitFor('id: ');
	return stream;
}

/** Returns the id by which managers know a session. */
function internalId(session: string): string {
	return session.slice(0, session.lastIndexOf('.'));
}

function frame(message: string): string {
	return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Opens a stream without a client. */
function hold(streams: RedisStreamSessionManager, id: string): Promise<void> {
	return new Promise((resolve, reject) => {
		const start = (controller: ReadableStreamDefaultController): void => {
			streams.create(id, controller).then(resolve, reject);
		};
		void new ReadableStream({ start });
	});
}

async function holdMany(streams: RedisStreamSessionManager, ids: readonly string[]): Promise<void> {
	for (let start = 0; start < ids.length; start += 50) {
		await Promise.all(ids.slice(start, start + 50).map((id) => hold(streams, id)));
	}
}

/** Counts a message to ten of few and of many streams, and one to all in one and in five processes. */
async function countFanOut(redis: RunningRedis, name: RedisClientName): Promise<RedisCountsByKind> {
	const counts: Record<string, OperationCounts> = {};
	const counter = new CommandCounter(redis);
	const receivers = Array.from({ length: RECEIVERS }, (_, index) => `${index}`);
	for (const [processes, size] of [
		[1, FEW],
		[1, MANY],
		[5, FEW],
	] as const) {
		const prefix = `{fan-out-${processes}-${size}}:`;
		const sender = new RedisStreamSessionManager(connect(redis, name), { prefix });
		const holders = Array.from(
			{ length: processes },
			() => new RedisStreamSessionManager(connectTcp(redis), { prefix }),
		);
		for (const [index, holder] of holders.entries()) {
			const ids = Array.from({ length: size }, (_, id) => `${id}`);
			await holdMany(
				holder,
				ids.filter((id) => Number(id) % processes === index),
			);
		}
		await sender.send(receivers, frame('first'));
		const count = async (kind: string, sessions: string[] | undefined): Promise<void> => {
			await counter.take();
			await sender.send(sessions, frame('counted'));
			counts[kind] = await counter.take();
		};
		const of = size.toLocaleString('en');
		if (processes === 1) await count(`message to ${RECEIVERS} of ${of} streams`, receivers);
		await count(
			`message to all of ${of} streams, in ${processes} process${processes === 1 ? '' : 'es'}`,
			undefined,
		);
	}
	return counts;
}

/** Returns the commands of one of many idle streams in a day, with its share of those of the process. */
async function countIdleDay(
	redis: RunningRedis,
	name: RedisClientName,
): Promise<RedisCountsByKind> {
	mock.timers.enable({ apis: ['setInterval'] });
	try {
		const connection = connect(redis, name);
		const streams = new RedisStreamSessionManager(connection, { prefix: '{idle}:' });
		await holdMany(
			streams,
			Array.from({ length: HELD_STREAMS }, (_, id) => `${id}`),
		);
		const counter = new CommandCounter(redis);
		let commands = 0;
		// The first renewal loads its script: the second day counts.
		for (let hour = 0; hour < 2 * HOURS_PER_DAY; hour++) {
			mock.timers.tick(HOUR_MS);
			const { redisCommands = 0 } = await counter.take();
			if (hour >= HOURS_PER_DAY) commands += redisCommands;
		}
		return { [IDLE_DAY]: { redisCommands: Number((commands / HELD_STREAMS).toFixed(2)) } };
	} finally {
		mock.timers.reset();
	}
}

/** Counts what the store of tasks does, and over TCP a whole task with its engine, BullMQ. */
async function countTasks(redis: RunningRedis, name: RedisClientName, count: Count): Promise<void> {
	const connection = connect(redis, name);
	const store = new RedisTaskStore(connection, { prefix: '{tasks}:' });
	const task = store.newName();
	const createdAtMs = Date.now();
	const record: TaskRecord = {
		name: task,
		revision: 0,
		principal: 'alice',
		tool: 'report',
		status: 'working',
		createdAtMs,
		updatedAtMs: createdAtMs,
		expiresAtMs: createdAtMs + HOUR_MS,
		pollIntervalMs: 1_000,
		attempts: 0,
		inputs: [],
	};
	const limits = { running: 10, stored: 100 };
	await count('task, store alone: create', () => store.create(record, { session: {} }, limits));
	await count('task, store alone: read', () => store.read(task));
	const step = { name: 'one', kind: 'step', index: 0, isConcurrent: false, value: 1 } as const;
	await count('task, store alone: store a step', () => store.addStep(task, step));
	await count('task, store alone: end', () =>
		store.update(task, 0, { status: 'completed', result: {} }),
	);
	await store.delete(task);
	connection.close();
	if (name === 'tcp') await countEngine(connectTcp(redis), count);
}

/** Counts a task that runs at once, and one of which the client is asked. */
async function countEngine(connection: RedisTcpConnection, count: Count): Promise<void> {
	const tasks = new RedisTasks(connection, {
		prefix: '{engine}:',
		tools: { add: { ttlSeconds: 3600 } },
		concurrency: 1,
	});
	const handler = createMcpHandler(createServer(), {
		tasks,
		sessionKeys: [KEY],
		principal: () => 'alice',
	});
	const url = 'http://localhost/mcp';
	const extensions = { 'io.modelcontextprotocol/tasks': {} };
	const start = async (): Promise<void> => {
		const request = statelessToolCall('add', { a: 1, b: 2 }, { extensions });
		const text = await (await handler.fetch(new Request(url, request), {})).text();
		if (!text.includes('taskId')) throw new Error(`the call must create a task; got ${text}`);
	};
	await start(); // Opens the connections.
	await count(WHOLE_TASK, start);
	await tasks.close(1);
	connection.close();
}
