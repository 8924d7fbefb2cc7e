import { describe, expect, it } from 'vitest';

import type { Endpoint, IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const VERSION = '2025-03-26';
const CLIENT = { name: 'raw', version: '1.0.0' };

/** Opens a session of 2025-03-26. */
async function open(endpoint: Endpoint): Promise<string> {
	const params = {
		protocolVersion: VERSION,
		capabilities: { elicitation: {} },
		clientInfo: CLIENT,
	};
	const response = await endpoint.post({ id: 0, method: 'initialize', params });
	await response.ended;
	expect(response.rpcResponse.result).toMatchObject({ protocolVersion: VERSION });
	return String(response.headers['mcp-session-id']);
}

function send(
	endpoint: Endpoint,
	session: string | undefined,
	batch: readonly object[],
): Promise<IncomingResponse> {
	const messages = batch.map((message) => ({ jsonrpc: '2.0', ...message }));
	return endpoint.send('POST', { 'mcp-session-id': session }, JSON.stringify(messages));
}

const echo = (id: number, text: string): object => ({
	id,
	method: 'tools/call',
	params: { name: 'echo', arguments: { text } },
});
const report = (id: number): object => ({
	id,
	method: 'tools/call',
	params: { name: 'report', arguments: { text: `r${id}`, times: 3 }, _meta: { progressToken: id } },
});

describeEachDeployment(
	(deployment) => {
		it('accepts batches in sessions of 2025-03-26, and responds to each request on one stream', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await open(isolateA);
			const client = isolateB.with({ 'mcp-protocol-version': VERSION });
			for (const endpoint of [isolateB, client]) {
				const response = await send(endpoint, session, [
					echo(1, 'one'),
					{ method: 'notifications/initialized' },
					report(2),
					report(3),
					{ id: 4, method: 'nothing/known' },
					{ id: 5, method: 'tools/list', params: { _meta: { progressToken: 1.5 } } },
				]);
				await response.ended;
				expect(response.status).toBe(200);
				expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
				const responses = response.messages.filter(({ method }) => method === undefined);
				expect(new Set(responses.map(({ id }) => id))).toEqual(new Set([1, 2, 3, 4, 5]));
				expect(responses).toHaveLength(5);
				expect(response.count('notifications/progress')).toBe(6);
				const errors = responses.filter(({ error }) => error);
				expect(new Set(errors.map(({ id }) => id))).toEqual(new Set([4, 5]));
			}
		});

		it('responds with an array to a client that accepts JSON only', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await open(isolateA);
			const client = isolateA.with({ accept: 'application/json' });
			const response = await send(client, session, [echo(1, 'one'), report(2)]);
			await response.ended;
			expect(response.headers['content-type']).toMatch(/^application\/json/);
			expect(JSON.parse(response.text)).toMatchObject([{ id: 1 }, { id: 2, result: {} }]);
		});

		it('accepts notifications and client responses in a batch with 202', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await open(isolateA);
			const call = await isolateA.startCall('elicit', session);
			const { id } = await call.waitForMessage('elicitation/create');
			const result = { action: 'accept', content: { sure: true } };
			const batch = [{ id, result }, { method: 'notifications/initialized' }];
			const response = await send(isolateB, session, batch);
			await response.ended;
			expect({ status: response.status, text: response.text }).toEqual({ status: 202, text: '' });
			await call.ended;
			expect(call.text).toContain('sure: true');
		});

		it('delivers the server requests of calls in a batch', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await open(isolateA);
			const elicit = { id: 1, method: 'tools/call', params: { name: 'elicit', arguments: {} } };
			const response = await send(isolateA, session, [elicit, echo(2, 'two')]);
			const { id } = await response.waitForMessage('elicitation/create');
			const result = { action: 'accept', content: { sure: true } };
			await isolateB.post({ id: id ?? '', result }, session);
			await response.ended;
			expect(response.text).toContain('sure: true');
			expect(response.text).toContain('echo: two');
		});

		describe('rejects with 400', () => {
			it.each([
				['no message', []],
				['17 messages', Array.from({ length: 17 }, (_, id) => echo(id, 'x'))],
				['initialize among them', [echo(1, 'x'), { id: 2, method: 'initialize', params: {} }]],
			])('a batch with %s', async (_, batch) => {
				const { isolateA } = deployment.endpoint();
				const session = await open(isolateA);
				await expectRejection(send(isolateA, session, batch), { status: 400, code: -32600 });
			});

			it.each(['2025-06-18', '2025-11-25', '2024-11-05'])('a batch of %s', async (version) => {
				const { isolateA } = deployment.endpoint();
				const session = await open(isolateA);
				const client = isolateA.with({ 'mcp-protocol-version': version });
				const rejection = { status: 400, code: -32600, message: /POST of its own/ };
				await expectRejection(send(client, session, [echo(1, 'x')]), rejection);
			});

			it('a batch without a session id, and a stateless request in a batch', async () => {
				const { isolateA } = deployment.endpoint();
				await expectRejection(send(isolateA, undefined, [echo(1, 'x')]), { status: 400 });
				const session = await open(isolateA);
				const _meta = {
					'io.modelcontextprotocol/protocolVersion': '2026-07-28',
					'io.modelcontextprotocol/clientCapabilities': {},
				};
				const stateless = { id: 1, method: 'tools/list', params: { _meta } };
				await expectRejection(send(isolateA, session, [stateless]), { status: 400, code: -32600 });
			});
		});

		it('rejects a batch of an ended session with 404', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await open(isolateA);
			await isolateA.endSession(session);
			const response = send(isolateA, session, [echo(1, 'x'), echo(2, 'y')]);
			await expectRejection(response, { status: 404, omits: session });
		});
	},
	{ concurrent: true },
);
