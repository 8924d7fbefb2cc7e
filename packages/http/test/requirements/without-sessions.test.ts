import { expect, it } from 'vitest';

import type { Received } from '../endpoint.ts';
import { describeWithoutSessions } from './deployments.ts';
import type { Isolates } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const INITIALIZE = {
	id: 0,
	method: 'initialize',
	params: {
		protocolVersion: '2025-06-18',
		capabilities: { elicitation: {} },
		clientInfo: { name: 'raw', version: '1.0.0' },
	},
};

async function rpcResponseTo(
	{ isolateB }: Isolates,
	method: string,
	params: Record<string, unknown> = {},
): Promise<Received> {
	const response = await isolateB.post({ id: 1, method, params });
	await response.ended;
	expect(response.headers).not.toHaveProperty('mcp-session-id');
	return response.rpcResponse;
}

describeWithoutSessions((deployment) => {
	it('issues no session id on initialize and advertises no capability that requires a session', async () => {
		const { isolateA } = deployment.endpoint();
		const response = await isolateA.post(INITIALIZE);
		await response.ended;
		expect(response.status).toBe(200);
		expect(response.headers).not.toHaveProperty('mcp-session-id');
		const capabilities = response.rpcResponse.result?.['capabilities'] as Record<string, object>;
		expect(Object.keys(capabilities).toSorted()).toEqual(['prompts', 'resources', 'tools']);
		for (const capability of Object.values(capabilities)) {
			expect(capability).not.toMatchObject({ listChanged: true });
			expect(capability).not.toMatchObject({ subscribe: true });
		}
		const initialized = await isolateA.post({ method: 'notifications/initialized' });
		expect(initialized.status).toBe(202);
	});

	it('serves tools, prompts and resources in either isolate', async () => {
		const endpoint = deployment.endpoint();
		const echo = await rpcResponseTo(endpoint, 'tools/call', {
			name: 'echo',
			arguments: { text: 'hi' },
		});
		expect(JSON.stringify(echo.result)).toContain('echo: hi');
		expect(await rpcResponseTo(endpoint, 'tools/list')).toHaveProperty('result.tools');
		const read = await rpcResponseTo(endpoint, 'resources/read', { uri: 'test://a' });
		expect(read).toMatchObject({ result: { contents: [{ text: 'a' }] } });
		expect(await rpcResponseTo(endpoint, 'resources/list')).toHaveProperty('result.resources');
		const greeting = await rpcResponseTo(endpoint, 'prompts/get', { name: 'greet' });
		expect(JSON.stringify(greeting.result)).toContain('Hello!');
		expect(await rpcResponseTo(endpoint, 'ping')).toMatchObject({ id: 1, result: {} });
	});

	it('ignores the session id of a request', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		for (const id of ['made-up', 'a b', `1.${'a'.repeat(32)}.${'b'.repeat(42)}A`]) {
			for (const endpoint of [isolateA, isolateB]) {
				const client = endpoint.with({ 'mcp-session-id': id });
				expect(await client.call('echo', id, { text: 'hi' })).toContain('echo: hi');
				const response = await client.post(INITIALIZE);
				await response.ended;
				expect(response.status).toBe(200);
				expect(response.headers).not.toHaveProperty('mcp-session-id');
			}
		}
	});

	it('M2 post-only: rejects GET and DELETE with 405 for every revision', async () => {
		const { isolateA } = deployment.endpoint();
		for (const version of [undefined, '2025-06-18', '2026-07-28']) {
			const client = isolateA.with({ 'mcp-protocol-version': version });
			for (const session of [undefined, 'made-up']) {
				const responses = [await client.openStream(session), await client.endSession(session)];
				for (const response of responses) {
					expect(response.headers.allow).toContain('POST');
					expect(response.headers.allow).not.toMatch(/GET|DELETE/);
					await expectRejection(response, { status: 405 });
				}
			}
		}
	});

	it.each([
		['logging/setLevel', { level: 'debug' }],
		['resources/subscribe', { uri: 'test://a' }],
		['resources/unsubscribe', { uri: 'test://a' }],
	])('rejects %s, which requires a session, with -32601', async (method, params) => {
		const response = await rpcResponseTo(deployment.endpoint(), method, params);
		expect(response).toMatchObject({ jsonrpc: '2.0', id: 1, error: { code: -32601 } });
	});

	it('fails an elicitation of a session-based client, whose response could not be routed', async () => {
		const { isolateA } = deployment.endpoint();
		const params = { name: 'elicit', arguments: {} };
		const response = await isolateA.post({ id: 1, method: 'tools/call', params });
		await response.ended;
		expect(response.messages).toMatchObject([{ id: 1, error: { message: expect.any(String) } }]);
	});

	it('M6 subscription-delivery: serves stateless clients, with subscriptions and input_required results', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const discovery = await isolateB.postStateless({ id: 1, method: 'server/discover' });
		await discovery.ended;
		expect(discovery.rpcResponse.result).toMatchObject({
			capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
		});
		const notifications = { toolsListChanged: true };
		const params = { notifications };
		const subscription = await isolateA.postStateless({
			id: 1,
			method: 'subscriptions/listen',
			params,
		});
		await subscription.waitFor('acknowledged');
		const change = { name: 'notify', arguments: { what: 'tools' } };
		await isolateA.postStateless({ id: 2, method: 'tools/call', params: change });
		await subscription.waitFor('notifications/tools/list_changed');
		subscription.destroy();
		const elicit = { name: 'elicit', arguments: {} };
		const elicitation = await isolateB.postStateless(
			{ id: 3, method: 'tools/call', params: elicit },
			{ elicitation: {} },
		);
		await elicitation.ended;
		expect(elicitation.rpcResponse.result).toMatchObject({ resultType: 'input_required' });
	});
});
