import { expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const LIST = { id: 1, method: 'tools/list' };
const VERSION = '2025-06-18';
const CLIENT = { name: 'raw', version: '1.0.0' };

describeEachDeployment((deployment) => {
	it.each(['1999-01-01', '2099-12-31', 'latest', '2025-6-18', `${VERSION}, ${VERSION}`])(
		'L21 version-header: a protocol version header of %s is a 400 on POST, GET and DELETE',
		async (version) => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const client = there.with({ 'mcp-protocol-version': version });
			const refusal = { status: 400, says: new RegExp(VERSION), hides: session };
			await expectRefusal(client.post(LIST, session), refusal);
			await expectRefusal(client.openStream(session), refusal);
			await expectRefusal(client.endSession(session), refusal);
			expect(await here.call('echo', session, { text: 'hi' })).toContain('echo: hi');
		},
	);

	it('L21 version-header: every version that initialize settles on is taken in the header, and so is none', async () => {
		const { here, there } = deployment.endpoint();
		for (const asked of ['2024-11-05', '2025-03-26', VERSION, '2099-12-31']) {
			const params = { protocolVersion: asked, capabilities: {}, clientInfo: CLIENT };
			const answer = await here.post({ id: 0, method: 'initialize', params });
			await answer.ended;
			const session = String(answer.headers['mcp-session-id']);
			const settled = String(answer.response.result?.['protocolVersion']);
			expect(settled).toMatch(/^\d{4}-\d\d-\d\d$/);
			for (const version of [settled, undefined]) {
				const client = there.with({ 'mcp-protocol-version': version });
				expect(await client.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			}
		}
	});

	it('what the client said at initialize is known to every later request', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize({});
		expect(await there.call('who', session)).toContain('client: raw');
		const asking = await there.startCall('ask', session);
		await asking.ended;
		expect(asking.messages).toMatchObject([{ id: 1, error: { code: -32601 } }]);
	});
});
