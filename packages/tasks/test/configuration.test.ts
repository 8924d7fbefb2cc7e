import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import type { ExtensionHost } from '@tmcp-sessions/http/internal';
import { currentTask, InMemoryTasks } from '@tmcp-sessions/tasks';
import type { SavedContext, TasksOptions, TaskTool } from '@tmcp-sessions/tasks';
import {
	connectTasks,
	InMemoryTaskStore,
	InProcessEngine,
	resolveTasks,
	TaskRun,
} from '@tmcp-sessions/tasks/backend';
import type { TaskRecord, TaskStore } from '@tmcp-sessions/tasks/backend';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import { describe, expect, it } from 'vitest';

import { createReportServer } from './report-server.ts';
import { readNotifications, TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Reply } from '@tmcp-sessions/testkit/task-client';

const FORGED = 100_000;

/** Returns the option `tasks` of a handler over another store. */
function tasksOver(
	store: TaskStore,
	options: TasksOptions = { tools: { quick: {} } },
): NonNullable<McpHandlerOptions['tasks']> {
	return {
		connect(host) {
			const createCustom = (): undefined => undefined;
			const engine = new InProcessEngine(
				store,
				(deps) => new TaskRun({ ...deps, host, createCustom }),
			);
			return connectTasks(host, resolveTasks(options), { store, engine });
		},
	};
}

/** Returns a store with some members replaced. */
function inheriting(replaced: Partial<TaskStore>): TaskStore {
	const store: TaskStore = new InMemoryTaskStore();
	return new Proxy(store, {
		get(target, key) {
			const own: unknown = Reflect.get(replaced, key);
			if (own !== undefined) return own;
			const member: unknown = Reflect.get(target, key);
			return typeof member === 'function' ? (member.bind(target) as unknown) : member;
		},
	});
}

describe('options', () => {
	it.each<[Partial<TaskTool>, string]>([
		[{ ttlSeconds: 0 }, 'tools.quick.ttlSeconds must be an integer from 1 to 2592000; got 0'],
		[
			{ ttlSeconds: 2_592_001 },
			'tools.quick.ttlSeconds must be an integer from 1 to 2592000; got 2592001',
		],
		[{ ttlSeconds: 1.5 }, 'tools.quick.ttlSeconds must be an integer from 1 to 2592000; got 1.5'],
		[{ pollSeconds: 0 }, 'tools.quick.pollSeconds must be from 0.1 to 3600; got 0'],
		[{ inlineSeconds: 30 }, 'tools.quick.inlineSeconds must be from 0 to 20; got 30'],
		[{ maxAttempts: 0 }, 'tools.quick.maxAttempts must be an integer from 1 to 100; got 0'],
		[
			{ fallback: 'poll' as never },
			'tools.quick.fallback must be one of poll-tools, refuse, wait; got poll',
		],
		[
			{ onInterrupt: 'retry' as never },
			'tools.quick.onInterrupt must be fail or resume; got retry',
		],
	])('are rejected if they are out of range: %o', (quick, message) => {
		expect(() => new InMemoryTasks({ tools: { quick } })).toThrow(message);
	});

	it('are rejected if a limit is out of range', () => {
		expect(() => new InMemoryTasks({ tools: {}, maxRunning: 0 })).toThrow(
			'maxRunning must be an integer from 1 to 10000; got 0',
		);
	});

	it('reject an eventually consistent store', () => {
		const { server } = createReportServer();
		const { capabilities } = new InMemoryTaskStore();
		const store = inheriting({ capabilities: { ...capabilities, consistency: 'eventual' } });
		expect(() => createMcpHandler(server, { tasks: tasksOver(store) })).toThrow(
			'tasks need a store whose writes every isolate sees at once',
		);
	});

	it('require context if the handler has it, and rebuild it from what was saved', async () => {
		const server = new McpServer(
			{ name: 'tenants', version: '1.0.0' },
			{ adapter: undefined, capabilities: { tools: {} } },
		).withContext<{ tenant: string }>();
		server.tool({ name: 'quick', description: 'Names its tenant' }, () =>
			tool.text(String(server.ctx.custom?.tenant)),
		);
		const tools = { quick: { pollSeconds: 0.1 } };
		const context = (): { tenant: string } => ({ tenant: 'of the request' });
		expect(() =>
			createMcpHandler(server, { context, tasks: new InMemoryTasks({ tools }) }),
		).toThrow('the handler has the option context, and tasks have none');
		const seen: SavedContext[] = [];
		const tasks = new InMemoryTasks({
			tools,
			saveContext: (request) => ({ tenant: request.headers.get('x-user') }),
			context: (saved) => {
				seen.push(saved);
				return { tenant: `saved ${(saved.value as { tenant: string }).tenant}` };
			},
		});
		const principal = (request: Request): string | null => request.headers.get('x-user');
		const handler = createMcpHandler(server, { context, principal, tasks });
		const client = new TaskClient(handler, undefined, { 'x-user': 'ada' });
		const { result } = await client.ended(await client.start('quick'));
		expect(result).toMatchObject({ content: [{ text: 'saved ada' }] });
		expect(seen).toMatchObject([
			{ principal: '["ada",null]', session: { clientInfo: { name: 'test' } } },
		]);
	});
});

describe('names of tools', () => {
	it('are reported if the server does not have them', async () => {
		const { server } = createReportServer();
		const reported: string[] = [];
		const client = new TaskClient(
			createMcpHandler(server, {
				tasks: new InMemoryTasks({ tools: { quick: {}, qiuck: {} } }),
				onError: (error) => void reported.push(String(error)),
			}),
		);
		await client.start('quick');
		await client.start('quick');
		await expect.poll(() => reported).toHaveLength(1);
		expect(reported[0]).toContain(
			'the option tasks names tools that the server does not have: "qiuck"; it has "greet", "quick", ',
		);
	});
});

describe('the access token of a request', () => {
	const TOKEN = 'token-of-ada-0123456789';
	const start = async (
		saveContext: ((request: Request) => unknown) | undefined,
	): Promise<{ saved: string; task: unknown; reported: string[] }> => {
		const server = new McpServer(
			{ name: 'tokens', version: '1.0.0' },
			{ adapter: undefined, capabilities: { tools: {} } },
		);
		server.tool({ name: 'quick', description: 'Returns its token' }, () =>
			tool.text(String(server.ctx.auth?.token)),
		);
		const stored = new InMemoryTaskStore();
		const records: unknown[] = [];
		const store: TaskStore = new Proxy(stored, {
			get(target, key) {
				const member: unknown = Reflect.get(target, key);
				if (typeof member !== 'function') return member;
				return (...given: unknown[]): unknown => {
					records.push(...given);
					return Reflect.apply(member, target, given);
				};
			},
		});
		const reported: string[] = [];
		const handler = createMcpHandler(server, {
			tasks: tasksOver(store, { tools: { quick: { pollSeconds: 0.1 } }, saveContext }),
			oauth: {
				verify: async () => ({
					token: TOKEN,
					clientId: 'client',
					scopes: [],
					extra: { sub: 'ada' },
				}),
			},
			principal: (_request, auth) => ({ subject: String(auth?.extra?.['sub']) }),
			onError: (error) => void reported.push(String(error)),
		});
		const client = new TaskClient(handler, undefined, { authorization: `Bearer ${TOKEN}` });
		const { error, result } = await client.call('quick');
		const task = error ?? (await client.ended(String(result['taskId'])));
		return { saved: JSON.stringify(records), task, reported };
	};

	it('is not stored, and not in server.ctx.auth of a task', async () => {
		const { saved, task } = await start(() => ({ tenant: 'acme' }));
		expect(task).toMatchObject({ result: { content: [{ text: 'undefined' }] } });
		expect(saved).toContain('acme');
		expect(saved).not.toContain(TOKEN);
	});

	it('is rejected if saveContext returns it', async () => {
		const { reported, saved, task } = await start((request) => ({
			nested: [request.headers.get('authorization')],
		}));
		expect(task).toMatchObject({ code: -32603 });
		expect(reported.join()).toContain('saveContext must return no tokens');
		expect(reported.join()).not.toContain(TOKEN);
		expect(saved).not.toContain(TOKEN);
	});
});

describe('currentTask', () => {
	it('throws outside of a task, and in a tool that is not configured', async () => {
		expect(() => currentTask()).toThrow('currentTask() needs a task; found none');
		const { server } = createReportServer();
		const tasks = new InMemoryTasks({ tools: { quick: {} } });
		const client = new TaskClient(createMcpHandler(server, { tasks, onError: () => {} }));
		expect((await client.call('steps')).error?.message).toContain('currentTask() needs a task');
	});
});

describe('a task whose tool the deployment no longer has', () => {
	it('fails with the error of an unknown tool', async () => {
		const { server } = createReportServer();
		const store = new InMemoryTaskStore();
		const { promise, resolve } = Promise.withResolvers<InProcessEngine>();
		createMcpHandler(server, {
			tasks: {
				connect(host: ExtensionHost) {
					const createCustom = (): undefined => undefined;
					const engine = new InProcessEngine(
						store,
						(deps) => new TaskRun({ ...deps, host, createCustom }),
					);
					resolve(engine);
					return connectTasks(host, resolveTasks({ tools: {} }), { store, engine });
				},
			},
			onError: () => {},
		});
		const engine = await promise;
		const name = store.newName();
		const nowMs = Date.now();
		const record: TaskRecord = {
			name,
			revision: 0,
			principal: '',
			tool: 'gone',
			status: 'working',
			attempts: 0,
			createdAtMs: nowMs,
			updatedAtMs: nowMs,
			expiresAtMs: nowMs + 60_000,
			pollIntervalMs: 100,
			inputs: [],
		};
		const started = await engine.start({ record, call: { session: {} }, waitMs: 5_000 });
		expect(started).toMatchObject({
			record: { status: 'failed', error: { code: -32602, message: 'Unknown tool: gone' } },
		});
	});
});

describe('forged ids', () => {
	it.each<[number, string, (client: TaskClient, taskId: string) => Promise<Reply>]>([
		[FORGED, 'tasks/get', (client, taskId) => client.get(taskId)],
		[10_000, 'tasks/update', (client, taskId) => client.update(taskId, { 'input-1': ACCEPT })],
		[10_000, 'tasks/cancel', (client, taskId) => client.cancel(taskId)],
	])(
		'cost no operation of the store in %d requests of %s',
		async (requests, _, send) => {
			const { client, operations } = deployCounted();
			for (let index = 0; index < requests; index++) {
				const { error } = await send(client, forged(index));
				if (error?.code !== -32602) expect(error).toMatchObject({ code: -32602 });
			}
			expect(operations).toEqual([]);
			const taskId = await client.start('quick');
			expect((await send(client, taskId)).error).toBeUndefined();
			// The count works: this is not a forged id.
			expect(operations).toContain('create');
			expect(operations).toContain('read');
		},
		240_000,
	);

	it('cost no operation of the store in subscriptions to 100,000', async () => {
		const { client, operations } = deployCounted();
		for (let index = 0; index < FORGED; index += 64) {
			const taskIds = Array.from({ length: 64 }, (__, offset) => forged(index + offset));
			const params = { notifications: { taskIds } };
			const stream = readNotifications(await client.send('subscriptions/listen', params));
			expect(await stream.next()).toMatchObject({ params: { notifications: {} } });
			await stream.stop();
		}
		expect(operations).toEqual([]);
	}, 120_000);
});

const ACCEPT = { action: 'accept' };

/** Returns ids of the form of real ones: the name of a task in the store, and a signature. */
function forged(index: number): string {
	return `t1.${'a'.repeat(32)}.${`${index}`.padStart(42, 'A')}A`;
}

/** Deploys a server over a store whose operations are counted. */
function deployCounted(): { client: TaskClient; operations: string[] } {
	const { server } = createReportServer();
	const operations: string[] = [];
	const store: TaskStore = new Proxy(new InMemoryTaskStore(), {
		get(target, key) {
			const member: unknown = Reflect.get(target, key);
			if (typeof member !== 'function') return member;
			return (...given: unknown[]): unknown => {
				operations.push(String(key));
				return Reflect.apply(member, target, given);
			};
		},
	});
	const client = new TaskClient(createMcpHandler(server, { tasks: tasksOver(store) }));
	return { client, operations };
}
