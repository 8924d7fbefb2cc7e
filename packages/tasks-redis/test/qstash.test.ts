import { createMcpHandler } from '@tmcp-sessions/http';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { currentTask } from '@tmcp-sessions/tasks';
import { resolveTasks } from '@tmcp-sessions/tasks/backend';
import { QStashTasks } from '@tmcp-sessions/tasks-redis/qstash';
import type { QStashTasksOptions } from '@tmcp-sessions/tasks-redis/qstash';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import { testTaskEngine } from '@tmcp-sessions/testkit/tasks';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { QStashTaskEngine } from '../src/qstash/qstash-task-engine.ts';
import { SignedDeliveries } from '../src/qstash/signed-delivery.ts';
import { RedisTaskStore } from '../src/store/redis-task-store.ts';
import {
	CURRENT_KEY,
	delivery,
	LocalQStash,
	NEXT_KEY,
	sign,
	TOKEN,
	URL_OF_TASKS,
} from './fixture/local-qstash.ts';

const KEYS = { currentSigningKey: CURRENT_KEY, nextSigningKey: NEXT_KEY, url: URL_OF_TASKS };
let redis: RunningRedis;
let prefixes = 0;

beforeAll(async () => {
	redis = await startRedis();
});
afterAll(() => redis.stop());

// Tasks start in a process that gets no deliveries, and run in another one.
testTaskEngine(
	"QStashTaskEngine over Upstash's REST API",
	async (host, tools) => {
		const qstash = await LocalQStash.start();
		const prefix = `{qstash-${(prefixes += 1)}}:`;
		const tasks = resolveTasks({ tools });
		const [web, worker] = [0, 1].map(() => {
			const connection = connectUpstash(redis);
			const store = new RedisTaskStore(connection, { prefix });
			const limits = { maxRunSeconds: 20, retries: 3 };
			const { baseUrl } = qstash;
			const shared = { baseUrl, token: TOKEN, url: URL_OF_TASKS, host, store, tasks };
			return { store, engine: new QStashTaskEngine({ ...shared, ...limits }) };
		});
		if (!web || !worker) throw new Error('unreachable');
		const deliveries = new SignedDeliveries(KEYS);
		qstash.route = async (request) => {
			const read = await deliveries.read(request);
			if (read instanceof Response) return read;
			await worker.engine.receive(read);
			return new Response();
		};
		return {
			engine: web.engine,
			store: web.store,
			async close() {
				await qstash.stop();
				web.store.close();
				worker.store.close();
			},
		};
	},
	{ maxRunSeconds: 20, survivesDeploy: true, steps: true },
);

describe('QStashTasks', () => {
	let qstash: LocalQStash;
	let errors: Error[];
	let operations: number;
	let scripts: Record<string, (signal: AbortSignal) => Promise<string>>;

	beforeEach(async () => {
		qstash = await LocalQStash.start();
		errors = [];
		operations = 0;
		scripts = {};
	});
	afterEach(() => qstash.stop());

	/** Returns a connection that counts operations, and fails if `isDown` returns true. */
	function connect(isDown: () => boolean): RedisConnection {
		const connection = connectUpstash(redis);
		return {
			publishCommand: connection.publishCommand,
			tellsInstance: connection.tellsInstance,
			timeoutMs: connection.timeoutMs,
			subscribe: (channel, listener) => connection.subscribe(channel, listener),
			close: () => connection.close(),
			async evaluate(...command) {
				operations += 1;
				if (isDown()) throw new Error('OOM command not allowed');
				return connection.evaluate(...command);
			},
		};
	}

	/** Deploys a server whose tool runs the function with its name in `scripts`. */
	function deploy(
		options: Partial<QStashTasksOptions> = {},
		isDown: () => boolean = () => false,
	): { readonly client: TaskClient; readonly tasks: QStashTasks } {
		const server = new McpServer(
			{ name: 'scripts', version: '1.0.0' },
			{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
		);
		server.tool(
			{ name: 'run', description: 'Runs a script', schema: v.object({ script: v.string() }) },
			async ({ script }) => {
				const { signal } = currentTask();
				return tool.text((await scripts[script]?.(signal)) ?? 'none');
			},
		);
		const tasks = new QStashTasks(connect(isDown), {
			...KEYS,
			token: TOKEN,
			baseUrl: qstash.baseUrl,
			prefix: `{qstash-${(prefixes += 1)}}:`,
			tools: { run: { pollSeconds: 0.1 } },
			...options,
		});
		// The handler of an earlier test may still report.
		const own = errors;
		const onError = (error: Error): void => void own.push(error);
		const handler = createMcpHandler(server, { tasks, onError });
		qstash.route = (request) => tasks.receive(request);
		return { client: new TaskClient(handler), tasks };
	}

	const job = JSON.stringify({ name: 'unknown', wake: 1 });

	it.each([
		['without a signature', () => new Request(URL_OF_TASKS, { method: 'POST', body: job })],
		['with a signature of another key', () => delivery(job, sign(job, { key: 'sig_other' }))],
		['with a signature of another body', () => delivery(job, sign(`${job} `))],
		['for another address', () => delivery(job, sign(job, { url: 'https://other.example/' }))],
		['that has expired', () => delivery(job, sign(job, { expiresInSeconds: -60 }))],
		['with a signature that is no token', () => delivery(job, 'x.y.z')],
	])('rejects a delivery %s before it reads Redis', async (_case, request) => {
		const { tasks } = deploy();
		expect((await tasks.receive(request())).status).toBe(401);
		expect(operations).toBe(0);
		expect(errors).toEqual([]);
	});

	it('accepts a delivery that is signed with the next key, and ignores an unknown task', async () => {
		const { tasks } = deploy();
		const response = await tasks.receive(delivery(job, sign(job, { key: NEXT_KEY })));
		expect(response.status).toBe(200);
		expect(operations).toBeGreaterThan(0);
	});

	it.each(['', 'null', '[]', '{"name":7,"wake":1}', '{"name":"a"}', '{"sourceBody":"%"}'])(
		'rejects the signed message %j for good',
		async (body) => {
			const { tasks } = deploy();
			const response = await tasks.receive(delivery(body));
			expect(response.status).toBe(489);
			expect(response.headers.get('upstash-nonretryable-error')).toBe('true');
			expect(operations).toBe(0);
		},
	);

	it('rejects a delivery of more than 256 KiB, and other methods', async () => {
		const { tasks } = deploy();
		expect((await tasks.receive(delivery('x'.repeat(262_145)))).status).toBe(413);
		expect((await tasks.receive(new Request(URL_OF_TASKS))).status).toBe(405);
	});

	it('runs a call once although QStash delivers its job twice at the same time', async () => {
		let runs = 0;
		const started = Promise.withResolvers<void>();
		const proceed = Promise.withResolvers<void>();
		scripts['wait'] = async () => {
			runs += 1;
			started.resolve();
			await proceed.promise;
			return `run ${runs}`;
		};
		const { client } = deploy();
		const id = await client.start('run', { script: 'wait' });
		await started.promise;
		const [message] = qstash.published;
		if (!message) throw new Error('expected a message');
		await qstash.deliver(message);
		// The second delivery has put itself off.
		expect(qstash.published).toHaveLength(2);
		expect(qstash.published[1]?.notBeforeMs).toBeGreaterThan(Date.now() + 10_000);
		proceed.resolve();
		expect(await client.ended(id)).toMatchObject({
			status: 'completed',
			result: { content: [{ text: 'run 1' }] },
		});
	});

	it('continues a call that takes too long from its last step', async () => {
		const steps: number[] = [];
		scripts['steps'] = async (signal) => {
			const task = currentTask();
			for (let each = 1; each <= 3; each++) {
				let isNew = false;
				await task.step(`step ${each}`, () => {
					isNew = true;
					steps.push(each);
					return each;
				});
				// Too long for one delivery.
				if (isNew && each < 3) await aborted(signal);
			}
			return steps.join();
		};
		const { client } = deploy({ maxRunSeconds: 1 });
		const id = await client.start('run', { script: 'steps' });
		expect(await client.ended(id)).toMatchObject({
			status: 'completed',
			result: { content: [{ text: '1,2,3' }] },
		});
	});

	it('fails a call without steps that takes too long, although it ignores its signal', async () => {
		scripts['hang'] = () => new Promise(() => {});
		const { client } = deploy({ maxRunSeconds: 1 });
		const id = await client.start('run', { script: 'hang' });
		expect(await client.ended(id)).toMatchObject({
			status: 'failed',
			error: { message: expect.stringContaining('interrupted') as string },
		});
	});

	it('runs a call whose first deliveries failed, and reports why', async () => {
		scripts['work'] = async () => 'worked';
		let isDown = false;
		let deliveries = 0;
		const started = Promise.withResolvers<void>();
		const recovered = Promise.withResolvers<void>();
		const { client, tasks } = deploy({}, () => isDown);
		qstash.route = async (request) => {
			await started.promise;
			deliveries += 1;
			isDown = deliveries <= 2;
			const response = await tasks.receive(request);
			if (!isDown) recovered.resolve();
			return response;
		};
		const id = await client.start('run', { script: 'work' });
		started.resolve();
		await recovered.promise;
		expect(await client.ended(id)).toMatchObject({ status: 'completed' });
		expect(deliveries).toBe(3);
		expect(errors.map(({ message }) => message)).toEqual([
			expect.stringContaining('starting a call failed: Redis is out of memory'),
			expect.stringContaining('starting a call failed: Redis is out of memory'),
		]);
	});

	it('fails a task only after the last delivery of its call has failed', async () => {
		scripts['work'] = async () => 'worked';
		const { client, tasks } = deploy({ retries: 2 });
		let deliveries = 0;
		let statusBefore: unknown;
		const id = Promise.withResolvers<string>();
		qstash.route = async (request) => {
			deliveries += 1;
			if (deliveries <= 3) throw new Error('killed');
			statusBefore = (await client.get(await id.promise)).result['status'];
			return tasks.receive(request);
		};
		id.resolve(await client.start('run', { script: 'work' }));
		expect(await client.ended(await id.promise)).toMatchObject({
			status: 'failed',
			error: { message: expect.stringContaining('its call could not be run') as string },
		});
		expect(statusBefore).toBe('working');
		expect(deliveries).toBe(4);
	});

	it('answers 503 and stores no task if QStash rejects the token', async () => {
		const { client } = deploy({ token: 'another one' });
		const { error, status } = await client.call('run', { script: 'work' });
		expect({ error, status }).toMatchObject({ status: 503 });
		expect(errors.map(String).join()).toContain('publishing to QStash failed');
		expect(errors.map(String).join()).not.toContain('another one');
	});

	it('rejects invalid options', () => {
		expect(() => deploy({ url: '/api/tasks' })).toThrow(
			'url must be the public address of the route that receives deliveries',
		);
		expect(() => deploy({ currentSigningKey: '' })).toThrow(
			'QStashTasks needs the option currentSigningKey; got none',
		);
		expect(() => deploy({ maxRunSeconds: 0 })).toThrow(
			'maxRunSeconds must be an integer from 1 to 7200; got 0',
		);
		const { tasks } = deploy();
		expect(() => tasks.connect({} as never)).toThrow('QStashTasks serves one handler');
	});
});

/** Rejects when the call is cut off. */
function aborted(signal: AbortSignal): Promise<never> {
	return new Promise((_resolve, reject) => {
		signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
	});
}
