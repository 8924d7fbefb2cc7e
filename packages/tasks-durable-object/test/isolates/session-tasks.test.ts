import { SessionTaskClient } from '@tmcp-sessions/testkit/session-task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Name = 'a' | 'b';

const RELATED = 'io.modelcontextprotocol/related-task';
const ACCEPT = { result: { action: 'accept', content: { approve: true } } };
const PLACES = [
	{
		name: 'whose sessions are in shared storage',
		entry: 'stored-session-worker.ts',
		durableObjects: {
			TMCP_TASK_OBJECT: 'TaskObject',
			TMCP_DURABLE_OBJECT: 'SyncLayer',
			TMCP_SESSION_SHARD: 'SessionShard',
		},
		asked: 'published true',
	},
	{
		name: 'whose tools run in session objects',
		entry: 'session-worker.ts',
		durableObjects: { TMCP_TASK_OBJECT: 'TaskObject', COUNTING: 'CountingSession' },
		asked: 'answered true',
	},
];

describe.each(PLACES)('L29 session-tasks: tasks of 2025-11-25 $name, on two isolates', (place) => {
	const { asked, durableObjects, entry } = place;
	let workers: Workers<Name>;
	beforeAll(async () => {
		workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture', entry),
			workers: ['a', 'b'],
			kvNamespaces: [],
			durableObjects,
		});
	});
	afterAll(() => workers.stop());

	const at = (name: Name) => (): URL => workers.url(name);
	const open = async (): Promise<Record<Name, SessionTaskClient>> => {
		const a = await SessionTaskClient.open(at('a'), { headers: { 'x-user': 'ada' } });
		return { a, b: a.at(at('b')) };
	};
	const textOf = ({ content }: Fields): unknown => Object(Object(content)[0]).text;
	const ask = (client: SessionTaskClient): Promise<Fields> =>
		client.start('ask', { id: 'session' });

	it('are asked on B what was created on A, answered on A, and end on B', async () => {
		const { a, b } = await open();
		const { taskId } = await ask(a);
		const stream = await b.send('tasks/result', { taskId });
		let message = await stream.next();
		while (message['method'] !== 'elicitation/create') message = await stream.next();
		expect(message['params']).toMatchObject({ _meta: { [RELATED]: { taskId } } });
		await a.respond(message['id'], ACCEPT);
		while (!message['result']) message = await stream.next();
		expect(textOf(message['result'] as Fields)).toBe(asked);
		expect(message['result']).toMatchObject({ _meta: { [RELATED]: { taskId } } });
		const again = await a.request('tasks/result', { taskId });
		expect(again.result).toEqual(message['result']);
	});

	it('take the answer to a question whose stream was lost, also after a restart', async () => {
		const { a, b } = await open();
		const { taskId } = await ask(a);
		await b.until(taskId, 'input_required');
		const stream = await b.send('tasks/result', { taskId });
		const { id } = await stream.next();
		await stream.stop();
		await workers.restart();
		await a.respond(id, ACCEPT);
		expect(textOf((await b.request('tasks/result', { taskId })).result)).toBe(asked);
	});

	it('end a request that waits on B when they are cancelled on A', async () => {
		const { a, b } = await open();
		const { taskId } = await ask(a);
		const waiting = b.request('tasks/result', { taskId });
		await b.until(taskId, 'input_required');
		expect((await a.request('tasks/cancel', { taskId })).result).toMatchObject({
			taskId,
			status: 'cancelled',
		});
		expect((await waiting).error).toMatchObject({ message: 'The task was cancelled' });
		expect((await b.request('tasks/cancel', { taskId })).error).toMatchObject({ code: -32602 });
	});

	it('end a request that its client cancels on the other isolate', async () => {
		const { a, b } = await open();
		const { taskId } = await ask(a);
		await b.until(taskId, 'input_required');
		const stream = await b.send('tasks/result', { taskId });
		await stream.next();
		const params = { requestId: stream.id };
		await a.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
		await expect(stream.next()).rejects.toThrow('the stream has ended');
		expect((await a.request('tasks/get', { taskId })).result).toMatchObject({
			status: 'input_required',
		});
	});

	it('are listed for their session only', async () => {
		const [one, other] = [await open(), await open()];
		const created = [await ask(one.a), await ask(one.b)];
		const { tasks } = (await one.b.request('tasks/list')).result as { tasks: Fields[] };
		expect(new Set(tasks.map(({ taskId }) => taskId))).toEqual(
			new Set(created.map(({ taskId }) => taskId)),
		);
		expect((await other.b.request('tasks/list')).result).toEqual({ tasks: [] });
		const { taskId } = created[0] ?? {};
		for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
			const { error } = await other.a.request(method, { taskId });
			expect(error).toMatchObject({ code: -32602 });
		}
	});
});
