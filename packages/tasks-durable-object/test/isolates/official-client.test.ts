import { resultFromTaskOutcome, withTasks } from '@modelcontextprotocol/ext-tasks/client';
import type {
	ConnectedMcpSessionPort,
	JsonRpcResponse,
} from '@modelcontextprotocol/ext-tasks/client';
import { expect, it } from 'vitest';

import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { Deployment } from './deployment.ts';

it('is driven by the official client, whose requests take turns between two isolates', async () => {
	const deployment = await Deployment.start();
	try {
		const isolates: string[] = [];
		const port: ConnectedMcpSessionPort = {
			endpointId: 'reports',
			taskCapabilities: { generation: 'v2', capabilities: {} },
			invalidated: false,
			async dispatch(request): Promise<JsonRpcResponse> {
				// Safe because the client dispatches JSON-RPC requests.
				const { method, params } = request as unknown as { method: string; params: Fields };
				const name = isolates.length % 2 === 0 ? 'a' : 'b';
				isolates.push(`${name} ${method}`);
				const { _meta, ...others } = params;
				const { error, result } = await deployment.client(name).request(method, others);
				if (error) return { kind: 'error', error: error as never };
				return { kind: 'result', result: result as never };
			},
			onServerRequest: () => () => {},
			onNotification: () => () => {},
			onInvalidated: () => () => {},
		};
		const session = withTasks(port, {
			onInputRequest: async () => ({ action: 'accept', content: { approve: true } }) as never,
		});
		const execution = await session.callTool('ask', { id: 'official' });
		const { outcome } = await execution.settle();
		expect(resultFromTaskOutcome(outcome)).toMatchObject({
			content: [{ text: 'published true' }],
		});
		// The client lists the tools first.
		expect(isolates.slice(1, 3)).toEqual(['b tools/call', 'a tasks/get']);
		const effects = await deployment.effects();
		expect([effects['official before'], effects['official after']]).toEqual([1, 1]);
		await session.close();
	} finally {
		await deployment.workers.stop();
	}
});
