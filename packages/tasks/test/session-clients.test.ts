import {
	Client as CurrentClient,
	StreamableHTTPClientTransport as CurrentTransport,
} from '@modelcontextprotocol/client';
import {
	createTaskSessionFromClient,
	resultFromTaskOutcome,
	toolDeclarationFromMcpTool,
} from '@modelcontextprotocol/ext-tasks/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { expect, it } from 'vitest';

import { createReportServer } from './report-server.ts';

const URL_OF_SERVER = new URL('http://localhost/mcp');
const NAMES = ['quick', 'ask', 'elicit-two', 'wait', 'error', 'progress', 'signal'];

interface Deployment {
	readonly fetch: (url: string | URL | Request, init?: RequestInit) => Promise<Response>;
	/** The methods that the client has sent, in order. */
	readonly methods: string[];
	readonly release: () => void;
}

function deploy(): Deployment {
	const { release, server } = createReportServer();
	const policy = { pollSeconds: 0.1 };
	const handler = createMcpHandler(server, {
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
		streams: new InMemoryStreamSessionManager(),
		tasks: new InMemoryTasks({
			tools: Object.fromEntries(NAMES.map((name) => [name, policy])),
		}),
		onError: () => {},
	});
	const methods: string[] = [];
	return {
		release,
		methods,
		async fetch(url, init) {
			const request = new Request(url, init);
			const { method } = (request.method === 'POST' ? await request.clone().json() : {}) as {
				method?: string;
			};
			if (method !== undefined) methods.push(method);
			return handler.fetch(request, {});
		},
	};
}

/** Connects the client of the official SDK 1. */
async function connect({ fetch }: Deployment): Promise<{ client: Client; asked: unknown[] }> {
	const asked: unknown[] = [];
	const client = new Client(
		{ name: 'test', version: '1.0.0' },
		{ capabilities: { elicitation: {} } },
	);
	client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
		asked.push(params);
		return { action: 'accept', content: { approve: true } };
	});
	const transport = new StreamableHTTPClientTransport(URL_OF_SERVER, { fetch });
	await client.connect(transport);
	await client.listTools();
	return { client, asked };
}

it.each([
	['ask', 'accept true', 1],
	['elicit-two', 'true true', 2],
	['quick', 'done', 0],
])('runs %s as a task with callToolStream of the official SDK', async (name, text, questions) => {
	const deployment = deploy();
	const { asked, client } = await connect(deployment);
	const types: string[] = [];
	let result: unknown;
	for await (const message of client.experimental.tasks.callToolStream({ name, arguments: {} })) {
		types.push(message.type);
		if (message.type === 'result') ({ result } = message);
		if (message.type === 'error') throw message.error;
	}
	expect(result).toMatchObject({ content: [{ text }] });
	expect(types[0]).toBe('taskCreated');
	expect(asked).toHaveLength(questions);
	for (const params of asked) {
		const { _meta: metadata } = params as { _meta: object };
		expect(metadata).toMatchObject({
			'io.modelcontextprotocol/related-task': { taskId: expect.stringMatching(/^t1\./) },
		});
	}
	await client.close();
});

it('gets, lists, waits for and cancels tasks with the official SDK', async () => {
	const deployment = deploy();
	const { client } = await connect(deployment);
	const { tasks } = client.experimental;
	const create = async (name: string): Promise<string> => {
		for await (const message of tasks.callToolStream({ name, arguments: {} })) {
			if (message.type === 'taskCreated') return message.task.taskId;
		}
		throw new Error('expected a task');
	};
	const [waiting, cancelled] = [await create('wait'), await create('signal')];
	expect(await tasks.getTask(waiting)).toMatchObject({ status: 'working', pollInterval: 100 });
	const listed = await tasks.listTasks();
	expect(new Set(listed.tasks.map(({ taskId }) => taskId))).toEqual(new Set([waiting, cancelled]));
	expect(await tasks.cancelTask(cancelled)).toMatchObject({ status: 'cancelled' });
	await expect(tasks.cancelTask(cancelled)).rejects.toMatchObject({ code: -32602 });
	const result = tasks.getTaskResult(waiting, CallToolResultSchema);
	deployment.release();
	expect(await result).toMatchObject({ content: [{ text: 'released' }] });
	await client.close();
});

it('hands the official SDK the progress of a task', async () => {
	const deployment = deploy();
	const { client } = await connect(deployment);
	const seen: unknown[] = [];
	const stream = client.experimental.tasks.callToolStream(
		{ name: 'progress', arguments: {} },
		CallToolResultSchema,
		{ onprogress: (progress) => seen.push(progress) },
	);
	let taskId = '';
	for await (const message of stream) {
		if (message.type !== 'taskCreated') continue;
		({ taskId } = message.task);
		break;
	}
	const result = client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
	await expect.poll(() => seen).toMatchObject([{ progress: 12, total: 40 }]);
	deployment.release();
	expect(await result).toMatchObject({ content: [{ text: 'read' }] });
	await client.close();
});

it('runs tasks with the sessions of the official ext-tasks client', async () => {
	const deployment = deploy();
	const client = new CurrentClient({ name: 'test', version: '1.0.0' });
	await client.connect(new CurrentTransport(URL_OF_SERVER, { fetch: deployment.fetch }));
	const session = createTaskSessionFromClient(client, { endpointId: 'reports' });
	const { tools } = await client.listTools();
	const call = (name: string): ReturnType<typeof session.callTool> => {
		const found = tools.find((tool) => tool.name === name);
		if (!found) throw new Error(`expected the tool ${name}`);
		const declaration = toolDeclarationFromMcpTool(found);
		return session.callTool(name, {}, { declaration, task: { preference: 'require' } });
	};
	const execution = await call('wait');
	deployment.release();
	const { outcome } = await execution.settle();
	expect(resultFromTaskOutcome(outcome)).toMatchObject({ content: [{ text: 'released' }] });
	const failing = await call('error');
	const failed = await failing.settle();
	expect(() => resultFromTaskOutcome(failed.outcome)).toThrow('no paper');
	expect(deployment.methods).toEqual(
		expect.arrayContaining(['tools/call', 'tasks/get', 'tasks/result']),
	);
	await session.close();
	await client.close();
});
