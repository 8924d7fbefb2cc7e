import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import type { InMemoryTasksOptions } from '@tmcp-sessions/tasks';
import { describe, expect, it } from 'vitest';

import { createReportServer } from './report-server.ts';
import type { ReportServer } from './report-server.ts';
import { TaskClient, TASKS } from '@tmcp-sessions/testkit/task-client';
import type { RequestOptions } from '@tmcp-sessions/testkit/task-client';

const NAMES = [
	'quick',
	'wait',
	'error',
	'throw',
	'steps',
	'ask',
	'elicit-two',
	'progress',
	'log',
	'status',
	'signal',
	'twice',
	'no-json',
	'large',
	'no-json-result',
	'sleep',
	'absent',
	'routed',
];

interface Deployment extends ReportServer {
	readonly client: TaskClient;
	readonly as: (user: string) => TaskClient;
	/** A client that does not know tasks. */
	readonly plain: TaskClient;
}

function deploy(
	options: Partial<InMemoryTasksOptions> = {},
	handlerOptions: McpHandlerOptions = {},
): Deployment {
	const reports = createReportServer();
	const tasks = new InMemoryTasks({
		tools: {
			...Object.fromEntries(NAMES.map((name) => [name, { pollSeconds: 0.1 }])),
			'ask-first': { asksFirst: true },
		},
		...options,
	});
	const handler = createMcpHandler(reports.server, { tasks, onError: () => {}, ...handlerOptions });
	const as = (user: string): TaskClient => new TaskClient(handler, undefined, { 'x-user': user });
	const plain = new TaskClient(handler, { elicitation: {} });
	return { ...reports, client: new TaskClient(handler), as, plain };
}

const byUser: McpHandlerOptions = { principal: (request) => request.headers.get('x-user') };
const text = (result: unknown): unknown => Reflect.get(Object(result) as object, 'content');
const content = (value: string): unknown => [{ type: 'text', text: value }];

describe('a call that becomes a task', () => {
	it('returns a flat task without result, which tasks/get finds at once', async () => {
		const { client, release } = deploy();
		const { result } = await client.call('wait');
		expect(result).toEqual({
			resultType: 'task',
			taskId: result['taskId'],
			status: 'working',
			createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
			lastUpdatedAt: result['createdAt'],
			ttlMs: 3_600_000,
			pollIntervalMs: 100,
		});
		const found = await client.get(String(result['taskId']));
		expect(found.result).toEqual({ ...result, resultType: 'complete' });
		release();
	});

	it('inlines the result of the tool in tasks/get', async () => {
		const { client } = deploy();
		const task = await client.ended(await client.start('quick'));
		expect(task).toMatchObject({ status: 'completed', result: { content: content('done') } });
	});

	it('completes with the error of a tool, and fails with an error of the protocol', async () => {
		const { client } = deploy();
		const completed = await client.ended(await client.start('error'));
		expect(completed).toMatchObject({ status: 'completed', result: { isError: true } });
		const failed = await client.ended(await client.start('throw'));
		expect(failed).toMatchObject({
			status: 'failed',
			statusMessage: 'out of ink',
			error: { message: 'out of ink' },
		});
		expect(failed).not.toHaveProperty('result');
	});

	it('is an ordinary call if its tool is not configured, even with a task of an older client', async () => {
		const { client } = deploy();
		const params = { name: 'greet', arguments: { name: 'Ada' }, task: { ttl: 1 } };
		const { result } = await client.request('tools/call', params);
		expect(result).toMatchObject({ resultType: 'complete', content: content('Hello, Ada!') });
	});

	it.each<[string, Record<string, string>]>([
		['of another tool', { 'mcp-name': 'quick' }],
		['that is missing', {}],
		['of another argument', { 'mcp-param-region': 'us' }],
		['of an argument that is missing', { 'mcp-param-region': 'eu', 'mcp-param-size': '5' }],
	])(
		'is rejected with 400 and -32020 for a header %s, as an ordinary call is',
		async (_, headers) => {
			for (const tools of [{ routed: {} }, {}]) {
				const { client } = deploy({ tools });
				const { error, status } = await client.call('routed', { region: 'eu' }, { headers });
				expect({ status, code: error?.code }).toEqual({ status: 400, code: -32020 });
			}
		},
	);

	it('is accepted with headers that repeat its arguments', async () => {
		const { client } = deploy();
		const headers = { 'mcp-param-region': '=?base64?ZXU=?=', 'mcp-param-size': '5' };
		const { result } = await client.call('routed', { region: 'eu', size: 5 }, { headers });
		expect(result).toMatchObject({ status: 'working' });
	});

	it('is rejected as usual if the server does not have its tool', async () => {
		const { client } = deploy();
		expect((await client.call('absent')).error).toMatchObject({ code: -32602 });
	});

	it('returns its result directly if it ends within inlineSeconds, and leaves no task', async () => {
		const { client } = deploy({
			tools: { quick: { inlineSeconds: 5 }, wait: { inlineSeconds: 0.02 } },
		});
		const { result } = await client.call('quick');
		expect(result).toMatchObject({ resultType: 'complete', content: content('done') });
		expect((await client.call('wait')).result).toMatchObject({ resultType: 'task' });
	});

	it.each([0, 5])('runs its tool exactly once with inlineSeconds %d', async (inlineSeconds) => {
		const { client, effects } = deploy({ tools: { steps: { inlineSeconds } } });
		const { result } = await client.call('steps');
		const { taskId } = result;
		const ended = typeof taskId === 'string' ? await client.ended(taskId) : { result };
		expect(ended['result']).toMatchObject({ content: content('sum 6') });
		expect(effects).toEqual(['read', 'sum']);
	});
});

describe('M13 tasks: a task', () => {
	it('shows progress, log messages and status as its status message', async () => {
		for (const [name, message] of [
			['progress', 'Reading 12 of 40'],
			['status', 'Reading 12 of 40'],
			['log', 'Nearly there'],
		] as const) {
			const { client, release } = deploy();
			const taskId = await client.start(name);
			await expect
				.poll(async () => (await client.get(taskId)).result['statusMessage'], { interval: 5 })
				.toBe(message);
			release();
		}
	});

	it('asks through inputRequests, and continues with the response', async () => {
		const { client } = deploy();
		const taskId = await client.start('ask');
		const { inputRequests } = await client.until(taskId, 'input_required');
		expect(inputRequests).toMatchObject({
			'input-1': { method: 'elicitation/create', params: { message: 'Publish?' } },
		});
		const answer = { action: 'accept', content: { approve: true } };
		const acknowledged = await client.update(taskId, { 'input-1': answer, other: answer });
		expect(acknowledged.result).toEqual({ resultType: 'complete' });
		const { result } = await client.ended(taskId);
		expect(text(result)).toEqual(content('accept true'));
	});

	it('stays input_required until both of two questions are answered', async () => {
		const { client } = deploy();
		const taskId = await client.start('elicit-two');
		await client.until(taskId, 'input_required');
		await client.update(taskId, { 'input-2': { action: 'accept', content: { approve: false } } });
		const half = await client.get(taskId);
		expect(half.result['status']).toBe('input_required');
		expect(Object.keys(Object(half.result['inputRequests']) as object)).toEqual(['input-1']);
		// An answered key is ignored.
		await client.update(taskId, { 'input-2': { action: 'accept', content: { approve: true } } });
		await client.update(taskId, { 'input-1': { action: 'accept', content: { approve: true } } });
		const { result } = await client.ended(taskId);
		expect(text(result)).toEqual(content('true false'));
	});

	it('is cancelled at once, aborts its signal, and drops what the tool returns', async () => {
		const { client, effects } = deploy();
		const taskId = await client.start('signal');
		expect((await client.cancel(taskId)).result).toEqual({ resultType: 'complete' });
		expect(await client.ended(taskId)).toMatchObject({ status: 'cancelled' });
		await expect.poll(() => effects).toEqual(['aborted']);
		expect((await client.cancel(taskId)).result).toEqual({ resultType: 'complete' });
		expect((await client.get(taskId)).result).toMatchObject({ status: 'cancelled' });
	});

	it('stays completed if it is cancelled afterwards', async () => {
		const { client } = deploy();
		const taskId = await client.start('quick');
		await client.ended(taskId);
		expect((await client.cancel(taskId)).result).toEqual({ resultType: 'complete' });
		expect((await client.get(taskId)).result).toMatchObject({ status: 'completed' });
	});

	it('runs steps and sleeps', async () => {
		const { client, effects } = deploy();
		const { result } = await client.ended(await client.start('steps'));
		expect(text(result)).toEqual(content('sum 6'));
		expect(effects).toEqual(['read', 'sum']);
		expect(await client.ended(await client.start('sleep'))).toMatchObject({ status: 'completed' });
	});

	it.each([
		['twice', 'the step "read" has started already; give each step its own name'],
		[
			'no-json',
			'the step "read" must return JSON, which is stored; found the result.rows[1]: a Date',
		],
		['no-json-result', 'The result of no-json-result must be JSON, which is stored; found '],
		['large', 'The result of large must have at most 1900000 bytes of JSON; got '],
	])('fails clearly for the tool %s, also if the tool catches the error', async (name, message) => {
		const { client } = deploy();
		const task = await client.ended(await client.start(name));
		expect(task).toMatchObject({ status: 'failed', error: { code: -32603 } });
		expect(task['statusMessage']).toContain(message);
	});

	it('is unknown after its TTL', async () => {
		let nowMs = 1_000_000;
		const { client } = deploy({ tools: { quick: { ttlSeconds: 60 } }, now: () => nowMs });
		const taskId = await client.start('quick');
		await client.ended(taskId);
		nowMs += 59_999;
		expect((await client.get(taskId)).result).toMatchObject({ status: 'completed' });
		nowMs += 1;
		expect((await client.get(taskId)).error).toMatchObject({ code: -32602 });
	});
});

describe('a tool that asks first', () => {
	it('settles its question on the original request, and then becomes a task', async () => {
		const { client, effects } = deploy();
		const first = await client.call('ask-first');
		expect(first.result).toMatchObject({
			resultType: 'input_required',
			inputRequests: { 'input-1': { params: { message: 'Who are you?' } } },
		});
		expect(first.result).not.toHaveProperty('taskId');
		const { requestState } = first.result;
		const inputResponses = { 'input-1': { action: 'accept', content: { name: 'Ada' } } };
		const params = { name: 'ask-first', arguments: {}, inputResponses, requestState };
		const second = await client.request('tools/call', params);
		expect(second.result).toMatchObject({ resultType: 'task', status: 'working' });
		expect(second.result).not.toHaveProperty('requestState');
		const { result } = await client.ended(String(second.result['taskId']));
		expect(text(result)).toEqual(content('Hello, Ada!'));
		expect(effects).toEqual(['before begin', 'before begin', 'after begin']);
	});

	it('returns its result as usual if it begins no task', async () => {
		const { client } = deploy();
		const { requestState } = (await client.call('ask-first')).result;
		const inputResponses = { 'input-1': { action: 'accept', content: { name: 'nobody' } } };
		const params = { name: 'ask-first', arguments: {}, inputResponses, requestState };
		const { result } = await client.request('tools/call', params);
		expect(result).toMatchObject({ resultType: 'complete', content: content('no task') });
	});

	it('rejects a state of another call', async () => {
		const { client } = deploy();
		const { requestState } = (await client.call('ask-first', { a: 1 })).result;
		const params = { name: 'ask-first', arguments: { a: 2 }, inputResponses: {}, requestState };
		expect((await client.request('tools/call', params)).error).toMatchObject({ code: -32602 });
	});
});

describe('M13 tasks: a request for a task', () => {
	it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
		'rejects %s with -32021 if the client has not declared the extension',
		async (method) => {
			const { client, plain } = deploy();
			const taskId = await client.start('quick');
			const { error, status } = await plain.request(method, { taskId, inputResponses: {} });
			expect(status).toBe(400);
			expect(error).toMatchObject({
				code: -32021,
				data: { requiredCapabilities: { extensions: TASKS } },
			});
		},
	);

	it.each<[string, RequestOptions]>([
		['of another task', { headers: { 'mcp-name': 'other' } }],
		['that is missing', { headers: { 'mcp-name': null } }],
		['of another method', { headers: { 'mcp-method': 'tasks/cancel' } }],
	])('rejects a header %s with 400 and -32020', async (_, options) => {
		const { client } = deploy();
		const taskId = await client.start('quick');
		const { error, status } = await client.request('tasks/get', { taskId }, options);
		expect({ status, code: error?.code }).toEqual({ status: 400, code: -32020 });
	});

	it('accepts a header in base64', async () => {
		const { client } = deploy();
		const taskId = await client.start('quick');
		const headers = { 'mcp-name': `=?base64?${btoa(taskId)}?=` };
		expect((await client.request('tasks/get', { taskId }, { headers })).error).toBeUndefined();
	});

	it.each(['tasks/result', 'tasks/list'])('rejects %s with -32601', async (method) => {
		const { client } = deploy();
		const taskId = await client.start('quick');
		expect((await client.request(method, { taskId })).error).toMatchObject({ code: -32601 });
	});

	it('finds no task of another principal, by any method', async () => {
		const { as } = deploy({}, byUser);
		const taskId = await as('ada').start('quick');
		await as('ada').ended(taskId);
		const bob = as('bob');
		for (const reply of [
			await bob.get(taskId),
			await bob.cancel(taskId),
			await bob.update(taskId, {}),
		])
			expect(reply.error).toMatchObject({ code: -32602 });
	});

	it.each(['', 't1.x.y', 'other', 't1.AAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'])(
		'rejects the forged id %o with -32602',
		async (taskId) => {
			const { client } = deploy();
			expect((await client.get(taskId)).error).toMatchObject({ code: -32602 });
		},
	);

	it.each<[unknown, string]>([
		[undefined, 'inputResponses must be an object'],
		[[], 'inputResponses must be an object'],
		[{ 'input-1': 5 }, 'the response to "input-1" must be an object; got number'],
		[{ 'input-1': { content: {} } }, 'must have the action accept, decline or cancel'],
	])('rejects the malformed responses %o, and keeps the question', async (responses, message) => {
		const { client } = deploy();
		const taskId = await client.start('ask');
		await client.until(taskId, 'input_required');
		const { error } = await client.update(taskId, responses);
		expect(error).toMatchObject({ code: -32602 });
		expect(error?.message).toContain(message);
		expect((await client.get(taskId)).result).toMatchObject({ status: 'input_required' });
	});

	it('ignores responses with keys that are unknown or have been answered', async () => {
		const { client } = deploy();
		const taskId = await client.start('elicit-two');
		await expect
			.poll(async () => Object.keys(Object((await client.get(taskId)).result['inputRequests'])), {
				interval: 5,
			})
			.toHaveLength(2);
		const answer = (approve: boolean): object => ({ action: 'accept', content: { approve } });
		expect((await client.update(taskId, { unknown: answer(true) })).error).toBeUndefined();
		await client.update(taskId, { 'input-1': answer(true) });
		expect((await client.update(taskId, { 'input-1': answer(false) })).error).toBeUndefined();
		await client.update(taskId, { 'input-2': answer(true) });
		expect(text((await client.ended(taskId))['result'])).toEqual(content('true true'));
	});

	it('is rejected with 429 if limitRequests says so, and names early polls', async () => {
		const seen: string[] = [];
		const { client } = deploy({
			limitRequests: ({ kind, isEarly }) => {
				seen.push(isEarly ? `early ${kind}` : kind);
				return kind === 'cancel' ? 7 : undefined;
			},
		});
		const taskId = await client.start('wait');
		await client.get(taskId);
		await client.get(taskId);
		const { headers, status } = await client.cancel(taskId);
		expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 429, retry: '7' });
		expect(seen).toEqual(['create', 'get', 'early get', 'cancel']);
	});
});

describe('the tasks of a principal', () => {
	it('are limited while they run, and in number', async () => {
		const { as, release } = deploy({ maxRunning: 2, maxStored: 3 }, byUser);
		const ada = as('ada');
		const ids = [await ada.start('wait'), await ada.start('wait')];
		const rejected = await ada.call('wait');
		expect(rejected.status).toBe(429);
		expect(rejected.headers.get('retry-after')).toBe('10');
		expect(rejected.error?.message).toBe(
			'At most 2 tasks may run at once; wait for one or cancel one',
		);
		await as('bob').start('wait');
		release();
		for (const id of ids) await ada.ended(id);
		await ada.ended(await ada.start('quick'));
		expect((await ada.call('quick')).error?.message).toBe(
			'At most 3 tasks are kept; wait until one expires',
		);
	});
});

describe('server/discover', () => {
	it('names the extension, and keeps the other capabilities', async () => {
		const { client } = deploy();
		const { result } = await client.request('server/discover', {});
		expect(result['capabilities']).toMatchObject({ tools: {}, extensions: TASKS });
		expect(result['capabilities']).not.toHaveProperty('tasks');
	});
});

describe('a client without the extension', () => {
	it('waits for the result by default, with its questions as usual', async () => {
		const { effects, plain } = deploy();
		const { result } = await plain.call('steps');
		expect(result).toMatchObject({ resultType: 'complete', content: content('sum 6') });
		expect(effects).toEqual(['read', 'sum']);
	});

	it('gets the status of a call that it waits for as progress, if it asks for it', async () => {
		const { plain, release } = deploy();
		release();
		const sent = await plain.send(
			'tools/call',
			{ name: 'status', arguments: {} },
			{
				meta: { progressToken: 'p' },
			},
		);
		expect(await sent.text()).toContain(
			'"method":"notifications/progress","params":{"progress":1,"total":2,"message":"Reading 12 of 40","progressToken":"p"}',
		);
	});

	it('is rejected with -32021 if the fallback of the tool is refuse', async () => {
		const { plain } = deploy({ tools: { quick: { fallback: 'refuse' } } });
		const { error, status } = await plain.call('quick');
		expect(status).toBe(400);
		expect(error).toMatchObject({
			code: -32021,
			data: { requiredCapabilities: { extensions: TASKS } },
		});
	});

	it('gets generated tools with other names if the server has tools of these names', async () => {
		const reports = createReportServer();
		reports.server.tool({ name: 'task_status', description: 'Of the server' }, () => ({
			content: [{ type: 'text', text: 'of the server' }],
		}));
		const tasks = new InMemoryTasks({ tools: { quick: { fallback: 'poll-tools' } } });
		const plain = new TaskClient(createMcpHandler(reports.server, { tasks }), {});
		const { tools } = (await plain.request('tools/list', {})).result as {
			tools: { name: string }[];
		};
		const names = tools.map(({ name }) => name).filter((name) => name.startsWith('task_'));
		expect(names).toEqual(['task_status', 'task_status_2', 'task_cancel']);
		const started = JSON.stringify((await plain.call('quick')).result);
		expect(started).toContain('Call task_status_2 with this taskId');
		const [, taskId = ''] = /task (t1\.\S+?)\. /.exec(started) ?? [];
		const textOf = async (name: string): Promise<unknown> =>
			text((await plain.call(name, { taskId })).result);
		await expect.poll(() => textOf('task_status_2'), { interval: 5 }).toEqual(content('done'));
		expect(await textOf('task_status')).toEqual(content('of the server'));
	});

	it('polls with generated tools, answers a question, and gets the result', async () => {
		const { client, plain } = deploy({ tools: { ask: { fallback: 'poll-tools' } } });
		const listed = async (from: TaskClient): Promise<string> =>
			JSON.stringify((await from.request('tools/list', {})).result);
		expect(await listed(plain)).toContain('task_status');
		expect(await listed(client)).not.toContain('task_status');
		const started = await plain.call('ask');
		const [, taskId = ''] = /task (t1\.\S+?)\. /.exec(JSON.stringify(started.result)) ?? [];
		const asked = async (): Promise<unknown> =>
			(await plain.call('task_status', { taskId })).result['resultType'];
		await expect.poll(asked, { interval: 5 }).toBe('input_required');
		const inputResponses = { 'input-1': { action: 'accept', content: { approve: true } } };
		const params = { name: 'task_status', arguments: { taskId }, inputResponses };
		await plain.request('tools/call', params);
		const completed = async (): Promise<unknown> =>
			text((await plain.call('task_status', { taskId })).result);
		await expect.poll(completed, { interval: 5 }).toEqual(content('accept true'));
		const forged = await plain.call('task_status', { taskId: 'other' });
		expect(forged.result).toMatchObject({ isError: true });
	});
});
