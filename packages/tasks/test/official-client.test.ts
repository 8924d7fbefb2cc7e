import { resultFromTaskOutcome, withTasks } from '@modelcontextprotocol/ext-tasks/client';
import type {
	ConnectedMcpSessionPort,
	JsonRpcResponse,
} from '@modelcontextprotocol/ext-tasks/client';
import { createMcpHandler } from '@tmcp-sessions/http';
import { InMemoryTasks } from '@tmcp-sessions/tasks';
import { expect, it } from 'vitest';

import { createReportServer } from './report-server.ts';
import { TaskClient } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';

/** Connects the official client to a handler. */
function portTo(client: TaskClient, methods: string[]): ConnectedMcpSessionPort {
	return {
		endpointId: 'reports',
		taskCapabilities: { generation: 'v2', capabilities: {} },
		invalidated: false,
		async dispatch(request): Promise<JsonRpcResponse> {
			// Safe because the client dispatches JSON-RPC requests.
			const { method, params } = request as unknown as { method: string; params: Fields };
			methods.push(method);
			const { _meta, ...others } = params;
			const { error, result } = await client.request(method, others);
			if (error) return { kind: 'error', error: error as never };
			return { kind: 'result', result: result as never };
		},
		onServerRequest: () => () => {},
		onNotification: () => () => {},
		onInvalidated: () => () => {},
	};
}

it('is driven by the official client: a task, its question, and its result', async () => {
	const { server } = createReportServer();
	const policy = { pollSeconds: 0.1 };
	const tasks = new InMemoryTasks({ tools: { ask: policy, 'elicit-two': policy, throw: policy } });
	const handler = createMcpHandler(server, { tasks, onError: () => {} });
	const methods: string[] = [];
	const asked: string[] = [];
	const session = withTasks(portTo(new TaskClient(handler), methods), {
		async onInputRequest(request) {
			asked.push(request.kind);
			return { action: 'accept', content: { approve: true } } as never;
		},
	});
	const result = async (tool: string): Promise<unknown> => {
		const execution = await session.callTool(tool, {});
		const { outcome } = await execution.settle();
		return resultFromTaskOutcome(outcome);
	};
	expect(await result('ask')).toMatchObject({ content: [{ text: 'accept true' }] });
	expect(await result('elicit-two')).toMatchObject({ content: [{ text: 'true true' }] });
	expect(asked).toEqual(['elicitation', 'elicitation', 'elicitation']);
	await expect(result('throw')).rejects.toThrow('out of ink');
	expect(methods).toEqual(expect.arrayContaining(['tools/call', 'tasks/get', 'tasks/update']));
	await session.close();
});
