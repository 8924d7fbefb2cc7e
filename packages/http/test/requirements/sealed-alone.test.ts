import { expect, it } from 'vitest';

import { describeSealedAlone } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const LIST = { id: 1, method: 'tools/list' };
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const IDLE_MS = 1_500;

const initialize = (
	capabilities: object,
	protocolVersion = '2025-06-18',
): { id: number; method: string; params: Record<string, unknown> } => ({
	id: 0,
	method: 'initialize',
	params: {
		protocolVersion,
		capabilities,
		clientInfo: { name: 'raw', version: '1.0.0' },
	},
});

describeSealedAlone((deployment) => {
	it('initialize gives out a session, and advertises nothing that would have to be kept', async () => {
		const { here } = deployment.endpoint();
		const answer = await here.post(initialize({}));
		await answer.ended;
		expect(answer.headers['mcp-session-id']).toMatch(/^2\.0\.[\w-]{80,}$/);
		expect(answer.response.result).toMatchObject({ protocolVersion: '2025-06-18' });
		expect(answer.response.result?.['capabilities']).toEqual({
			tools: { listChanged: true },
			prompts: { listChanged: true },
			resources: { listChanged: true },
		});
	});

	it('every isolate knows from the id who the client is', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		for (const endpoint of [there, here]) {
			expect(await endpoint.call('who', session)).toContain('client: raw');
		}
	});

	it('an answer names the session by the id that its client has', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const stream = await there.openStream(session);
		for (const answer of [await there.post(LIST, session), stream]) {
			expect(answer.headers['mcp-session-id']).toBe(session);
		}
		stream.destroy();
	});

	it.each([
		['logging/setLevel', { level: 'debug' }],
		['resources/subscribe', { uri: 'test://a' }],
		['resources/unsubscribe', { uri: 'test://a' }],
	])('%s, which would have to be kept, is not there', async (method, params) => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		const answer = await here.post({ id: 1, method, params }, session);
		await answer.ended;
		expect(answer.response).toMatchObject({ id: 1, error: { code: -32601 } });
	});

	it('L6 delete-session: DELETE is a 405, and ends nothing', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		for (const id of [session, undefined, 'made-up']) {
			const answer = await here.endSession(id);
			expect(answer.headers.allow).toMatch(/(?=.*GET)(?=.*POST)/);
			expect(answer.headers.allow).not.toContain('DELETE');
			await expectRefusal(answer, { status: 405 });
		}
		expect(await there.call('echo', session, { text: 'still' })).toContain('echo: still');
	});

	it('L4 ended-session: a session ends when its time is over, however busy it is', async () => {
		const { here, there } = deployment.endpoint('brief');
		const session = await here.initialize();
		expect(await there.call('echo', session, { text: 'hi' })).toContain('echo: hi');
		await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 100));
		const refusal = { status: 404, says: /initialize/, hides: session };
		for (const endpoint of [there, here]) {
			await expectRefusal(endpoint.post(LIST, session), refusal);
			await expectRefusal(endpoint.openStream(session), refusal);
		}
	});

	it('a stream hears of changes, and a tool can ask, in whatever isolate', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const stream = await here.openStream(session);
		await there.call('notify', session, { what: 'tools' });
		await stream.until(TOOLS_CHANGED);
		stream.destroy();
		const asking = await here.startCall('ask', session);
		const { id } = await asking.next('elicitation/create');
		const result = { action: 'accept', content: { sure: true } };
		expect((await there.post({ id: id ?? '', result }, session)).status).toBe(202);
		await asking.ended;
		expect(asking.text).toContain('sure: true');
	});

	it('the revision is known from the id, where a client does not name it: 2025-11-25 is primed', async () => {
		const { here, there } = deployment.endpoint();
		for (const [version, isPrimed] of [
			['2025-06-18', false],
			['2025-11-25', true],
			['2099-01-01', false],
		] as const) {
			const { headers } = await here.post(initialize({}, version));
			const session = String(headers['mcp-session-id']);
			const stream = await there.openStream(session);
			// What comes first has come when this has.
			await here.call('notify', session, { what: 'tools' });
			await stream.until(TOOLS_CHANGED);
			expect([version, /^id: \S+\n(?:.+\n)*data: ?\n/m.test(stream.text)]).toEqual([
				version,
				isPrimed,
			]);
			stream.destroy();
		}
	});

	it('a client that says more than an id holds is refused, and told what it can do', async () => {
		const { here } = deployment.endpoint();
		const answer = await here.post(initialize({ experimental: { a: { b: 'x'.repeat(2_000) } } }));
		expect(answer.headers).not.toHaveProperty('mcp-session-id');
		await expectRefusal(answer, { status: 400, says: /declare fewer capabilities/ });
	});
});
