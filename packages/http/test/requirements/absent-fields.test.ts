import { expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';

const VERSION = '2025-06-18';
const STATELESS = '2026-07-28';

describeEachDeployment(
	(deployment) => {
		it('takes null for absent in initialize, params and _meta', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const params = {
				protocolVersion: VERSION,
				capabilities: { roots: null, elicitation: { form: null }, extensions: { 'com.x': null } },
				clientInfo: {
					name: 'raw',
					version: '1',
					title: null,
					websiteUrl: null,
					icons: [{ src: 'https://example.com/i.png', mimeType: null, sizes: null }],
				},
				_meta: null,
			};
			const opened = await isolateA.post({ id: 0, method: 'initialize', params });
			await opened.ended;
			expect(opened.rpcResponse.result).toMatchObject({ protocolVersion: VERSION });
			const session = String(opened.headers['mcp-session-id']);
			const messages = [
				{ method: 'tools/list', params: null },
				{ method: 'tools/list', params: { cursor: null, _meta: null } },
				{
					method: 'tools/call',
					params: { name: 'identify', arguments: null, _meta: { progressToken: null } },
				},
				{
					method: 'completion/complete',
					params: {
						ref: { type: 'ref/prompt', name: 'describe' },
						argument: { name: 'topic', value: '' },
						context: null,
					},
				},
			];
			for (const message of messages) {
				// Safe because the type of a message has no null.
				const response = await isolateB.post({ id: 1, ...(message as object) }, session);
				await response.ended;
				expect(response.rpcResponse, JSON.stringify(message)).toHaveProperty('result');
			}
		});

		it('takes null for absent in the metadata of a stateless request', async () => {
			const { isolateA } = deployment.endpoint();
			const _meta = {
				'io.modelcontextprotocol/protocolVersion': STATELESS,
				'io.modelcontextprotocol/clientCapabilities': { roots: null, elicitation: { url: null } },
				'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1', title: null },
				'io.modelcontextprotocol/logLevel': null,
				progressToken: null,
			};
			const headers = { 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/list' };
			const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { cursor: null, _meta } };
			const response = await isolateA.send('POST', headers, JSON.stringify(body));
			await response.ended;
			expect(response.rpcResponse).toHaveProperty('result.tools');
		});

		it.each([{ applyDefaults: true }, { form: null, applyDefaults: true }, {}])(
			'elicits from a session-based client that declares the mode by %j',
			async (elicitation) => {
				const { isolateA, isolateB } = deployment.endpoint();
				const clientInfo = { name: 'raw', version: '1' };
				const params = { protocolVersion: VERSION, capabilities: { elicitation }, clientInfo };
				const opened = await isolateA.post({ id: 0, method: 'initialize', params });
				await opened.ended;
				const session = String(opened.headers['mcp-session-id']);
				const call = await isolateB.startCall('elicit', session);
				const { id } = await call.waitForMessage('elicitation/create');
				const result = { action: 'accept', content: { sure: true } };
				await isolateA.post({ id: id ?? '', result }, session);
				await call.ended;
				expect(call.text).toContain('sure: true');
			},
		);

		it('elicits from a stateless client that declares no mode', async () => {
			const { isolateA } = deployment.endpoint();
			const params = { name: 'remember', arguments: { word: 'plover' } };
			const message = { id: 1, method: 'tools/call', params };
			const call = await isolateA.postStateless(message, { elicitation: { applyDefaults: true } });
			await call.ended;
			expect(call.rpcResponse.result).toMatchObject({ resultType: 'input_required' });
		});

		it('accepts a client response with error null or a null field, and keeps null in arguments', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const answers = [
				{ result: { action: 'accept', content: { sure: true }, _meta: null }, error: null },
				{ result: { action: 'decline', content: null } },
			];
			for (const answer of answers) {
				const call = await isolateA.startCall('elicit', session);
				const { id } = await call.waitForMessage('elicitation/create');
				const accepted = await isolateB.post({ id: id ?? '', ...answer }, session);
				expect(accepted.status).toBe(202);
				await call.ended;
				expect(call.text).toMatch(answer.error === null ? /sure: true/ : /action: decline/);
			}
			// Safe because the tool rejects the argument.
			const text = await isolateA.call('echo', session, { text: null });
			expect(text).toMatch(/expected string(?:,| but) received null/i);
		});

		it('echoes the id of every request that it can read in the error', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const bodies = [
				{ id: 7, method: 'tools/list', params: { _meta: { progressToken: 1.5 } } },
				{ id: 7, method: 'tools/list', params: 'no object' },
				{ id: 7, method: 5 },
				{ id: 7 },
				{ id: 7, jsonrpc: '1.0', method: 'tools/list' },
				{ id: 7, method: 'initialize', params: { protocolVersion: VERSION } },
				{ id: 7, method: 'logging/setLevel', params: { level: 'loud' } },
				{ id: 7, method: 'resources/subscribe', params: { uri: 5 } },
				{ id: 7, method: 'nothing/known' },
			];
			for (const body of bodies) {
				const text = JSON.stringify({ jsonrpc: '2.0', ...body });
				const response = await isolateA.send('POST', { 'mcp-session-id': session }, text);
				await response.ended;
				expect(response.rpcResponse, text).toMatchObject({ id: 7, error: expect.anything() });
			}
			const unreadable = [{ id: null, method: 'ping' }, { id: 1.5, method: 'ping' }, { id: {} }];
			for (const body of unreadable) {
				const text = JSON.stringify({ jsonrpc: '2.0', ...body });
				const response = await isolateA.send('POST', { 'mcp-session-id': session }, text);
				await response.ended;
				expect(response.rpcResponse, text).toMatchObject({ id: null, error: expect.anything() });
			}
		});
	},
	{ concurrent: true },
);
