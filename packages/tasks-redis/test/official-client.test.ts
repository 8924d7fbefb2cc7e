import { resultFromTaskOutcome, withTasks } from '@modelcontextprotocol/ext-tasks/client';
import type {
	ConnectedMcpSessionPort,
	JsonRpcResponse,
} from '@modelcontextprotocol/ext-tasks/client';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, expect, it } from 'vitest';

import type { Fields, TaskClient } from '@tmcp-sessions/testkit/task-client';
import { startServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

let redis: RunningRedis;
let servers: ServerProcess[] = [];

beforeAll(async () => {
	redis = await startRedis();
	const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
	const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, TMCP_SESSION_KEYS: keys };
	servers = await Promise.all([startServer(env), startServer(env)]);
});

afterAll(async () => {
	await Promise.all(servers.map((server) => server.kill()));
	await redis.stop();
});

/** Connects the official client to the processes in turn. */
function portTo(clients: readonly TaskClient[]): ConnectedMcpSessionPort {
	let requests = 0;
	return {
		endpointId: 'reports',
		taskCapabilities: { generation: 'v2', capabilities: {} },
		invalidated: false,
		async dispatch(request): Promise<JsonRpcResponse> {
			// Safe because the client dispatches JSON-RPC requests.
			const { method, params } = request as unknown as { method: string; params: Fields };
			const { _meta, ...others } = params;
			const client = clients[requests++ % clients.length];
			if (!client) throw new Error('no server is running');
			const { error, result } = await client.request(method, others);
			if (error) return { kind: 'error', error: error as never };
			return { kind: 'result', result: result as never };
		},
		onServerRequest: () => () => {},
		onNotification: () => () => {},
		onInvalidated: () => () => {},
	};
}

it('is driven by the official client over two processes: a task, its question, and its result', async () => {
	const asked: string[] = [];
	const session = withTasks(portTo(servers.map((server) => server.client())), {
		async onInputRequest(request) {
			asked.push(request.kind);
			return { action: 'accept', content: { approve: true } } as never;
		},
	});
	const result = async (tool: string): Promise<unknown> => {
		const execution = await session.callTool(tool, { id: tool });
		const { outcome } = await execution.settle();
		return resultFromTaskOutcome(outcome);
	};
	expect(await result('five_steps')).toMatchObject({ content: [{ text: 'five_steps: 15' }] });
	expect(await result('ask')).toMatchObject({ content: [{ text: 'ask true' }] });
	expect(await result('elicit')).toMatchObject({ content: [{ text: 'elicit true' }] });
	expect(asked).toEqual(['elicitation', 'elicitation']);
	await session.close();
});
