import { expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const LIST = { id: 1, method: 'tools/list' };
const VERSION = '2025-06-18';
const CLIENT = { name: 'raw', version: '1.0.0' };

describeEachDeployment((deployment) => {
	it.each(['1999-01-01', '2099-12-31', 'latest', '2025-6-18', `${VERSION}, 2025-11-25`])(
		'L21 version-header: rejects MCP-Protocol-Version %s with 400 on POST, GET and DELETE',
		async (version) => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const client = isolateB.with({ 'mcp-protocol-version': version });
			const rejection = { status: 400, message: new RegExp(VERSION), omits: session };
			await expectRejection(client.post(LIST, session), rejection);
			await expectRejection(client.openStream(session), rejection);
			await expectRejection(client.endSession(session), rejection);
			expect(await isolateA.call('echo', session, { text: 'hi' })).toContain('echo: hi');
		},
	);

	it('L21 version-header: accepts every version that initialize negotiates, and a missing header', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		for (const requested of ['2024-11-05', '2025-03-26', VERSION, '2099-12-31']) {
			const params = { protocolVersion: requested, capabilities: {}, clientInfo: CLIENT };
			const response = await isolateA.post({ id: 0, method: 'initialize', params });
			await response.ended;
			const session = String(response.headers['mcp-session-id']);
			const negotiated = String(response.rpcResponse.result?.['protocolVersion']);
			expect(negotiated).toMatch(/^\d{4}-\d\d-\d\d$/);
			for (const version of [negotiated, undefined]) {
				const client = isolateB.with({ 'mcp-protocol-version': version });
				expect(await client.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			}
		}
	});

	it.each(['DRAFT-2026-v1', '2027-03-01', '2026-07-28', '2025-11-25', 'latest', ''])(
		'L22 version-negotiation: answers initialize for the revision "%s" with 2025-11-25',
		async (protocolVersion) => {
			const { isolateA } = deployment.endpoint();
			const params = { protocolVersion, capabilities: {}, clientInfo: CLIENT };
			const response = await isolateA.post({ id: 0, method: 'initialize', params });
			await response.ended;
			expect(response.rpcResponse.result).toMatchObject({ protocolVersion: '2025-11-25' });
			expect(response.headers).toHaveProperty('mcp-session-id');
		},
	);

	it('provides the client info and capabilities of initialize to later requests in the other isolate', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize({});
		expect(await isolateB.call('identify', session)).toContain('client: raw');
		const call = await isolateB.startCall('elicit', session);
		await call.ended;
		expect(call.messages).toMatchObject([{ id: 1, error: { code: -32601 } }]);
	});
});
