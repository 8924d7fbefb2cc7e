import { expect, it } from 'vitest';

import type { Received } from '../endpoint.ts';
import { describeStateless } from './deployments.ts';
import type { Isolates } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const INITIALIZE = {
	id: 0,
	method: 'initialize',
	params: {
		protocolVersion: '2025-06-18',
		capabilities: { elicitation: {} },
		clientInfo: { name: 'raw', version: '1.0.0' },
	},
};

async function answerTo(
	{ there }: Isolates,
	method: string,
	params: Record<string, unknown> = {},
): Promise<Received> {
	const answer = await there.post({ id: 1, method, params });
	await answer.ended;
	expect(answer.headers).not.toHaveProperty('mcp-session-id');
	return answer.response;
}

describeStateless((deployment) => {
	it('initialize gives out no session, and does not advertise what would need one', async () => {
		const { here } = deployment.endpoint();
		const answer = await here.post(INITIALIZE);
		await answer.ended;
		expect(answer.status).toBe(200);
		expect(answer.headers).not.toHaveProperty('mcp-session-id');
		const capabilities = answer.response.result?.['capabilities'] as Record<string, object>;
		expect(Object.keys(capabilities).toSorted()).toEqual(['prompts', 'resources', 'tools']);
		for (const capability of Object.values(capabilities)) {
			expect(capability).not.toMatchObject({ listChanged: true });
			expect(capability).not.toMatchObject({ subscribe: true });
		}
		const initialized = await here.post({ method: 'notifications/initialized' });
		expect(initialized.status).toBe(202);
	});

	it('tools, prompts and resources work, in whatever isolate', async () => {
		const endpoint = deployment.endpoint();
		const echo = await answerTo(endpoint, 'tools/call', {
			name: 'echo',
			arguments: { text: 'hi' },
		});
		expect(JSON.stringify(echo.result)).toContain('echo: hi');
		expect(await answerTo(endpoint, 'tools/list')).toHaveProperty('result.tools');
		const read = await answerTo(endpoint, 'resources/read', { uri: 'test://a' });
		expect(read).toMatchObject({ result: { contents: [{ text: 'a' }] } });
		expect(await answerTo(endpoint, 'resources/list')).toHaveProperty('result.resources');
		const greeting = await answerTo(endpoint, 'prompts/get', { name: 'greet' });
		expect(JSON.stringify(greeting.result)).toContain('Hello!');
		expect(await answerTo(endpoint, 'ping')).toMatchObject({ id: 1, result: {} });
	});

	it('a session id that a client sends is ignored, whatever it is', async () => {
		const { here, there } = deployment.endpoint();
		for (const id of ['made-up', 'a b', `1.${'a'.repeat(32)}.${'b'.repeat(42)}A`]) {
			for (const endpoint of [here, there]) {
				const client = endpoint.with({ 'mcp-session-id': id });
				expect(await client.call('echo', id, { text: 'hi' })).toContain('echo: hi');
				const answer = await client.post(INITIALIZE);
				await answer.ended;
				expect(answer.status).toBe(200);
				expect(answer.headers).not.toHaveProperty('mcp-session-id');
			}
		}
	});

	it('M2 post-only: GET and DELETE are a 405, in either era', async () => {
		const { here } = deployment.endpoint();
		for (const version of [undefined, '2025-06-18', '2026-07-28']) {
			const client = here.with({ 'mcp-protocol-version': version });
			for (const session of [undefined, 'made-up']) {
				const answers = [await client.openStream(session), await client.endSession(session)];
				for (const answer of answers) {
					expect(answer.headers.allow).toContain('POST');
					expect(answer.headers.allow).not.toMatch(/GET|DELETE/);
					await expectRefusal(answer, { status: 405 });
				}
			}
		}
	});

	it.each([
		['logging/setLevel', { level: 'debug' }],
		['resources/subscribe', { uri: 'test://a' }],
		['resources/unsubscribe', { uri: 'test://a' }],
	])('%s, which would need a session, is not there', async (method, params) => {
		const answer = await answerTo(deployment.endpoint(), method, params);
		expect(answer).toMatchObject({ jsonrpc: '2.0', id: 1, error: { code: -32601 } });
	});

	it('a tool cannot ask a client that no answer could come from', async () => {
		const { here } = deployment.endpoint();
		const params = { name: 'ask', arguments: {} };
		const answer = await here.post({ id: 1, method: 'tools/call', params });
		await answer.ended;
		expect(answer.messages).toMatchObject([{ id: 1, error: { message: expect.any(String) } }]);
	});

	it('M6 subscription-delivery: the stateless era is served in full: listeners, and questions over several rounds', async () => {
		const { here, there } = deployment.endpoint();
		const discovered = await there.postStateless({ id: 1, method: 'server/discover' });
		await discovered.ended;
		expect(discovered.response.result).toMatchObject({
			capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
		});
		const notifications = { toolsListChanged: true };
		const params = { notifications };
		const listener = await here.postStateless({ id: 1, method: 'subscriptions/listen', params });
		await listener.until('acknowledged');
		const change = { name: 'notify', arguments: { what: 'tools' } };
		await here.postStateless({ id: 2, method: 'tools/call', params: change });
		await listener.until('notifications/tools/list_changed');
		listener.destroy();
		const ask = { name: 'ask', arguments: {} };
		const asked = await there.postStateless(
			{ id: 3, method: 'tools/call', params: ask },
			{ elicitation: {} },
		);
		await asked.ended;
		expect(asked.response.result).toMatchObject({ resultType: 'input_required' });
	});
});
