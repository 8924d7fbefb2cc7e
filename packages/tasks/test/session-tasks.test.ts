import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import type { InMemoryTasksOptions } from '@tmcp-sessions/tasks';
import { describe, expect, it } from 'vitest';

import { SessionTaskClient } from '@tmcp-sessions/testkit/session-task-client';
import type { SessionOptions } from '@tmcp-sessions/testkit/session-task-client';
import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { createReportServer } from './report-server.ts';
import type { ReportServer } from './report-server.ts';

const RELATED = 'io.modelcontextprotocol/related-task';
const FORGED = 't1.AAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const ACCEPT = { result: { action: 'accept', content: { approve: true } } };
const NAMES = [
	'quick',
	'wait',
	'error',
	'throw',
	'ask',
	'elicit-two',
	'progress',
	'signal',
	'status',
	'ask-first',
	'absent',
];

interface Deployment extends ReportServer {
	readonly handler: McpHandler;
	open(options?: SessionOptions): Promise<SessionTaskClient>;
}

function deploy(
	options: Partial<InMemoryTasksOptions> = {},
	handlerOptions: McpHandlerOptions = {},
): Deployment {
	const reports = createReportServer();
	const tools = Object.fromEntries(NAMES.map((name) => [name, { pollSeconds: 0.1 }]));
	const tasks = new InMemoryTasks({
		tools: { ...tools, steps: { fallback: 'refuse' }, log: { fallback: 'poll-tools' } },
		...options,
	});
	const handler = createMcpHandler(reports.server, {
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
		streams: new InMemoryStreamSessionManager(),
		principal: (request) => request.headers.get('x-user'),
		tasks,
		onError: () => {},
		...handlerOptions,
	});
	const open = (opening: SessionOptions = {}): Promise<SessionTaskClient> =>
		SessionTaskClient.open(handler, { headers: { 'x-user': 'ada' }, ...opening });
	return { ...reports, handler, open };
}

const textOf = ({ content }: Fields): unknown => Object(Object(content)[0]).text;
const paramsOf = ({ params }: Fields): Fields => Object(params) as Fields;

describe('L29 session-tasks: a session of 2025-11-25', () => {
	it('gets the capability with initialize, and older revisions do not', async () => {
		const { open } = deploy();
		const capable = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
		const { capabilities } = (await open()).initialized;
		expect(capabilities).toMatchObject({ tasks: capable, tools: {} });
		const older = await open({ revision: '2025-06-18' });
		expect(older.initialized['capabilities']).not.toHaveProperty('tasks');
	});

	it('gets execution.taskSupport with tools/list, and older revisions do not', async () => {
		const { open } = deploy();
		const supportIn = async (client: SessionTaskClient): Promise<Fields> => {
			const { tools } = (await client.request('tools/list')).result as { tools: Fields[] };
			return Object.fromEntries(
				tools.map(({ execution, name }) => [name, Object(execution).taskSupport]),
			);
		};
		expect(await supportIn(await open())).toMatchObject({
			greet: undefined,
			quick: 'optional',
			log: 'optional',
			steps: 'required',
			task_status: undefined,
		});
		const older = await supportIn(await open({ revision: '2025-06-18' }));
		expect(Object.values(older).filter(Boolean)).toEqual([]);
	});

	it.each(['2025-03-26', '2025-06-18'])(
		'keeps the methods of tasks and params.task from clients of %s',
		async (revision) => {
			const { open } = deploy();
			const client = await open({ revision });
			const { result } = await client.request('tools/call', {
				name: 'quick',
				arguments: {},
				task: { ttl: 60_000 },
			});
			expect(textOf(result)).toBe('done');
			for (const method of ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel']) {
				const { error } = await client.request(method, { taskId: FORGED });
				expect(error).toMatchObject({ code: -32601 });
			}
		},
	);

	it('is the only era that has tasks/result and tasks/list', async () => {
		const stateless = new TaskClient(deploy().handler, undefined, { 'x-user': 'ada' });
		for (const method of ['tasks/result', 'tasks/list']) {
			expect((await stateless.request(method, { taskId: FORGED })).error?.code).toBe(-32601);
		}
	});

	it('creates a task of the nested form, which tasks/get finds at once', async () => {
		const { open, release } = deploy();
		const client = await open();
		const task = await client.start('wait', {}, { task: { ttl: 60_000 } });
		expect(task).toEqual({
			taskId: expect.stringMatching(/^t1\./),
			status: 'working',
			createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
			lastUpdatedAt: task['createdAt'],
			ttl: 60_000,
			pollInterval: 100,
		});
		expect((await client.request('tasks/get', { taskId: task['taskId'] })).result).toEqual(task);
		release();
	});

	it.each<[unknown, number]>([
		[undefined, 3_600_000],
		[1e15, 3_600_000],
		[1.7976931348623157e308, 3_600_000],
		[5_000.4, 5_000],
		[0, 1_000],
	])('clamps the requested ttl %s to %d ms', async (ttl, expected) => {
		const client = await deploy().open();
		const task = await client.start('quick', {}, { task: { ttl } });
		expect(task['ttl']).toBe(expected);
	});

	it.each<[unknown]>([
		[{ ttl: -1 }],
		[{ ttl: '60000' }],
		[{ ttl: [] }],
		[5],
		['task'],
		[[]],
		[true],
	])('rejects params.task %j with -32602', async (task) => {
		const client = await deploy().open();
		const { error } = await client.request('tools/call', { name: 'quick', arguments: {}, task });
		expect(error).toMatchObject({ code: -32602 });
		expect((await client.request('tasks/list')).result).toEqual({ tasks: [] });
	});

	it('rejects a task for a tool that has none, and a call without one for a tool that requires it', async () => {
		const client = await deploy().open();
		const asTask = { name: 'greet', arguments: { name: 'Ada' }, task: {} };
		expect((await client.request('tools/call', asTask)).error).toMatchObject({ code: -32601 });
		const asCall = { name: 'steps', arguments: {} };
		expect((await client.request('tools/call', asCall)).error).toMatchObject({
			code: -32601,
			message: 'The tool steps requires a task: send params.task with the call',
		});
		expect(await client.start('steps')).toMatchObject({ status: 'working' });
		const unknown = { name: 'absent', arguments: {}, task: {} };
		expect((await client.request('tools/call', unknown)).error).toMatchObject({ code: -32602 });
	});

	it('calls without params.task as before', async () => {
		const client = await deploy().open();
		const { result } = await client.request('tools/call', { name: 'quick', arguments: {} });
		expect(textOf(result)).toBe('done');
		const polled = await client.request('tools/call', { name: 'log', arguments: {} });
		expect(textOf(polled.result)).toContain('Call task_status with this taskId');
	});
});

describe('L29 session-tasks: tasks/result', () => {
	it('blocks until the task has ended, and names the task in the result', async () => {
		const { open, release } = deploy();
		const client = await open();
		const { taskId } = await client.start('wait');
		const waiting = client.request('tasks/result', { taskId });
		const first = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 50))]);
		expect(first).toBeUndefined();
		release();
		const { result } = await waiting;
		expect(result).toEqual({
			content: [{ type: 'text', text: 'released' }],
			_meta: { [RELATED]: { taskId } },
		});
		expect((await client.request('tasks/result', { taskId })).result).toEqual(result);
	});

	it('returns what the call would have returned, for tools that fail in each way', async () => {
		const client = await deploy().open();
		const failing = await client.start('error');
		const failed = await client.until(failing['taskId'], 'failed');
		expect(failed).toMatchObject({ statusMessage: 'no paper' });
		const { result } = await client.request('tasks/result', { taskId: failing['taskId'] });
		expect(result).toMatchObject({ isError: true });
		const { taskId } = await client.start('throw');
		await client.until(taskId, 'failed');
		const direct = await client.request('tasks/result', { taskId });
		expect(direct.error).toMatchObject({ message: 'out of ink' });
	});

	it('carries questions with the id of the task, and their answers reach the tool', async () => {
		const client = await deploy().open();
		const { taskId } = await client.start('elicit-two');
		await client.until(taskId, 'input_required');
		const stream = await client.send('tasks/result', { taskId });
		const asked: Fields[] = [];
		while (asked.length < 2) {
			const message = await stream.next();
			if (message['method'] === 'elicitation/create') asked.push(message);
		}
		expect(asked.map((each) => paramsOf(each)['message'])).toEqual(['First?', 'Second?']);
		for (const { id, params } of asked) {
			expect(params).toMatchObject({ _meta: { [RELATED]: { taskId } } });
			await client.respond(id, ACCEPT);
		}
		const seen: unknown[] = [];
		for (;;) {
			const { method, params, result } = await stream.next();
			if (method === 'notifications/tasks/status') {
				expect(params).toMatchObject({ taskId, ttl: 3_600_000 });
				expect(params).not.toHaveProperty('_meta');
				seen.push(Object(params).status);
			}
			if (!result) continue;
			expect(textOf(result as Fields)).toBe('true true');
			break;
		}
		expect(seen).toEqual(['working']);
	});

	it('delivers an answer also after the stream of its question was lost', async () => {
		const client = await deploy().open();
		const { taskId } = await client.start('ask');
		await client.until(taskId, 'input_required');
		const stream = await client.send('tasks/result', { taskId });
		const { id } = await stream.next();
		await stream.stop();
		await client.respond(id, ACCEPT);
		const { result } = await client.request('tasks/result', { taskId });
		expect(textOf(result)).toBe('accept true');
	});

	it('asks again if the client calls again, and takes the first answer', async () => {
		const client = await deploy().open();
		const { taskId } = await client.start('ask');
		await client.until(taskId, 'input_required');
		const lost = await client.send('tasks/result', { taskId });
		const before = await lost.next();
		await lost.stop();
		const stream = await client.send('tasks/result', { taskId });
		const again = await stream.next();
		expect(again['method']).toBe('elicitation/create');
		expect(again['id']).not.toBe(before['id']);
		await client.respond(again['id'], { result: { action: 'decline' } });
		await client.respond(before['id'], ACCEPT);
		let message = await stream.next();
		while (!message['result']) message = await stream.next();
		expect(textOf(message['result'] as Fields)).toBe('decline undefined');
	});

	it.each<[string, Fields]>([
		['an error', { error: { code: -32603, message: 'no window' } }],
		['an invalid answer', { result: { action: 'maybe' } }],
	])('cancels a question that the client answers with %s', async (_, outcome) => {
		const client = await deploy().open();
		const { taskId } = await client.start('ask');
		await client.until(taskId, 'input_required');
		const stream = await client.send('tasks/result', { taskId });
		await client.respond((await stream.next())['id'], outcome);
		await stream.stop();
		const { result } = await client.request('tasks/result', { taskId });
		expect(textOf(result)).toBe('cancel undefined');
	});

	it('sends the progress of the call under the token of tools/call', async () => {
		const { open, release } = deploy();
		const client = await open();
		const { taskId } = await client.start('progress', {}, { _meta: { progressToken: 'p' } });
		const stream = await client.send('tasks/result', { taskId });
		expect(await stream.next()).toEqual({
			jsonrpc: '2.0',
			method: 'notifications/progress',
			params: {
				progressToken: 'p',
				progress: 12,
				total: 40,
				message: 'Reading 12 of 40',
				_meta: { [RELATED]: { taskId } },
			},
		});
		release();
		expect((await stream.next())['result']).toMatchObject({ content: [{ text: 'read' }] });
	});

	it('ends when its client cancels the request, and the task runs on', async () => {
		const { open, release } = deploy();
		const client = await open();
		const { taskId } = await client.start('status');
		const stream = await client.send('tasks/result', { taskId });
		const reading = stream.next();
		await client.post({
			jsonrpc: '2.0',
			method: 'notifications/cancelled',
			params: { requestId: stream.id },
		});
		await expect(reading).rejects.toThrow('the stream has ended');
		const { result } = await client.request('tasks/get', { taskId });
		expect(result).toMatchObject({ status: 'working' });
		release();
	});

	it('ends when the task is cancelled', async () => {
		const client = await deploy().open();
		const { taskId } = await client.start('signal');
		const waiting = client.request('tasks/result', { taskId });
		await client.request('tasks/cancel', { taskId });
		expect((await waiting).error).toMatchObject({ message: 'The task was cancelled' });
	});

	it('ends when the task expires', async () => {
		const client = await deploy().open();
		const { taskId } = await client.start('signal', {}, { task: { ttl: 1 } });
		expect((await client.request('tasks/result', { taskId })).error).toMatchObject({
			code: -32602,
		});
	});

	it('ends one of nine requests that wait for one task', async () => {
		const { open, release } = deploy();
		const client = await open();
		const { taskId } = await client.start('wait');
		const waiting = Array.from({ length: 9 }, () => client.request('tasks/result', { taskId }));
		// The oldest; requests that are sent at once may arrive in another order.
		expect((await Promise.race(waiting)).error).toMatchObject({ code: -32001 });
		release();
		const results = await Promise.all(waiting);
		const others = results.filter(({ error }) => error === undefined);
		expect(others.map(({ result }) => textOf(result))).toEqual(Array(8).fill('released'));
	});

	it('waits without a question for a client that accepts no stream', async () => {
		const { open, release } = deploy();
		const client = await open();
		const { taskId } = await client.start('wait');
		const waiting = client.post(
			{ jsonrpc: '2.0', id: 'json', method: 'tasks/result', params: { taskId } },
			{ accept: 'application/json' },
		);
		setTimeout(release, 20);
		const response = await waiting;
		expect(response.headers.get('content-type')).toContain('application/json');
		expect(await response.json()).toMatchObject({ id: 'json', result: { _meta: {} } });
	});
});

describe('L29 session-tasks: tasks/cancel and tasks/list', () => {
	it('cancels a task before it responds, aborts its signal, and rejects a task that has ended', async () => {
		const { effects, open } = deploy();
		const client = await open();
		const { taskId } = await client.start('signal');
		const { result } = await client.request('tasks/cancel', { taskId });
		expect(result).toMatchObject({ taskId, status: 'cancelled' });
		await expect.poll(() => effects).toEqual(['aborted']);
		expect((await client.request('tasks/cancel', { taskId })).error).toEqual({
			code: -32602,
			message: 'Cannot cancel the task: it is cancelled already',
		});
		const quick = await client.start('quick');
		await client.until(quick['taskId'], 'completed');
		const { error } = await client.request('tasks/cancel', { taskId: quick['taskId'] });
		expect(error).toMatchObject({ code: -32602 });
	});

	it('lists each task of the session once, in pages', async () => {
		const client = await deploy({ maxRunning: 30 }).open();
		const ids = new Set<unknown>();
		for (let index = 0; index < 25; index++) ids.add((await client.start('quick'))['taskId']);
		const listed: unknown[] = [];
		const sizes: number[] = [];
		let cursor: unknown;
		do {
			const { result } = await client.request('tasks/list', cursor === undefined ? {} : { cursor });
			const tasks = result['tasks'] as Fields[];
			sizes.push(tasks.length);
			listed.push(...tasks.map(({ taskId }) => taskId));
			cursor = result['nextCursor'];
		} while (cursor !== undefined);
		expect(sizes).toEqual([10, 10, 5]);
		expect(listed).toHaveLength(25);
		expect(new Set(listed)).toEqual(ids);
	});

	it.each<unknown>(['', 'AAAA', FORGED, 5, { after: '' }])(
		'rejects the cursor %j with -32602',
		async (cursor) => {
			const client = await deploy().open();
			await client.start('quick');
			const { error } = await client.request('tasks/list', { cursor });
			expect(error).toMatchObject({ code: -32602 });
		},
	);

	it.each([
		['another principal', { headers: { 'x-user': 'mallory' } }],
		['another session of the principal', {}],
	])('keeps tasks from %s, on each method', async (_, opening) => {
		const { handler, open } = deploy();
		const ada = await open();
		const { taskId } = await ada.start('ask');
		await ada.until(taskId, 'input_required');
		const other = await open(opening);
		for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
			expect((await other.request(method, { taskId })).error).toMatchObject({ code: -32602 });
		}
		expect((await other.request('tasks/list')).result).toEqual({ tasks: [] });
		expect((await other.request('tasks/list', { cursor: taskId })).error?.code).toBe(-32602);
		const stateless = new TaskClient(handler, undefined, { 'x-user': 'ada' });
		expect((await stateless.get(String(taskId))).error).toMatchObject({ code: -32602 });
		// A response that names the task does not reach it either.
		const stream = await ada.send('tasks/result', { taskId });
		const { id } = await stream.next();
		await other.respond(id, ACCEPT);
		expect((await ada.request('tasks/get', { taskId })).result).toMatchObject({
			status: 'input_required',
		});
		expect((await ada.request('tasks/list')).result).toMatchObject({ tasks: [{ taskId }] });
		await stream.stop();
	});

	it('keeps tasks of sessions without a principal apart, and limits them', async () => {
		const { open } = deploy({ maxRunning: 2 }, { principal: undefined });
		const [one, two] = [await open(), await open()];
		const { taskId } = await one.start('wait');
		await one.start('wait');
		expect((await two.request('tasks/get', { taskId })).error).toMatchObject({ code: -32602 });
		expect((await two.request('tasks/list')).result).toEqual({ tasks: [] });
		await expect(one.start('wait')).rejects.toThrow('At most 2 tasks may run at once');
		await two.start('wait');
	});

	it('counts the tasks of all sessions of a principal', async () => {
		const { open } = deploy({ maxRunning: 2 });
		for (const client of [await open(), await open()]) await client.start('wait');
		await expect((await open()).start('wait')).rejects.toThrow('At most 2 tasks may run at once');
	});

	it('hands limitRequests each kind of request', async () => {
		const seen: string[] = [];
		const { open } = deploy({
			limitRequests: ({ kind }) => {
				seen.push(kind);
				return undefined;
			},
		});
		const client = await open();
		const { taskId } = await client.start('quick');
		await client.until(taskId, 'completed');
		for (const method of ['tasks/result', 'tasks/list', 'tasks/cancel']) {
			await client.request(method, { taskId });
		}
		expect([...new Set(seen)]).toEqual(['create', 'get', 'result', 'list', 'cancel']);
	});

	it.each(['tasks/get', 'tasks/result', 'tasks/cancel'])(
		'rejects %s with an id that is forged or missing with -32602',
		async (method) => {
			const client = await deploy().open();
			for (const taskId of [FORGED, '', 5, undefined]) {
				expect((await client.request(method, { taskId })).error).toMatchObject({ code: -32602 });
			}
		},
	);
});
