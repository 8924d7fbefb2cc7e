import { expect, it } from 'vitest';

import { describeSealedWithoutRest } from './deployments.ts';
import { expectRejection } from './rejections.ts';

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

describeSealedWithoutRest((deployment) => {
	it('issues a session id on initialize and advertises no capability that requires session state', async () => {
		const { isolateA } = deployment.endpoint();
		const response = await isolateA.post(initialize({}));
		await response.ended;
		expect(response.headers['mcp-session-id']).toMatch(/^2\.0\.[\w-]{80,}$/);
		expect(response.rpcResponse.result).toMatchObject({ protocolVersion: '2025-06-18' });
		expect(response.rpcResponse.result?.['capabilities']).toEqual({
			tools: { listChanged: true },
			prompts: { listChanged: true },
			resources: { listChanged: true },
		});
	});

	it('reads the client info from the session id in both isolates', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		for (const endpoint of [isolateB, isolateA]) {
			expect(await endpoint.call('identify', session)).toContain('client: raw');
		}
	});

	it('returns the session id of the request in response headers', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const stream = await isolateB.openStream(session);
		for (const response of [await isolateB.post(LIST, session), stream]) {
			expect(response.headers['mcp-session-id']).toBe(session);
		}
		stream.destroy();
	});

	it.each([
		['logging/setLevel', { level: 'debug' }],
		['resources/subscribe', { uri: 'test://a' }],
		['resources/unsubscribe', { uri: 'test://a' }],
	])('rejects %s, which requires session state, with -32601', async (method, params) => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		const response = await isolateA.post({ id: 1, method, params }, session);
		await response.ended;
		expect(response.rpcResponse).toMatchObject({ id: 1, error: { code: -32601 } });
	});

	it('L6 delete-session: rejects DELETE with 405 and does not end the session', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		for (const id of [session, undefined, 'made-up']) {
			const response = await isolateA.endSession(id);
			expect(response.headers.allow).toMatch(/(?=.*GET)(?=.*POST)/);
			expect(response.headers.allow).not.toContain('DELETE');
			await expectRejection(response, { status: 405 });
		}
		expect(await isolateB.call('echo', session, { text: 'still' })).toContain('echo: still');
	});

	it('L4 ended-session: expires a session after its fixed lifetime despite requests', async () => {
		const { isolateA, isolateB } = deployment.endpoint('brief');
		const session = await isolateA.initialize();
		expect(await isolateB.call('echo', session, { text: 'hi' })).toContain('echo: hi');
		await new Promise((resolve) => setTimeout(resolve, IDLE_MS + 100));
		const rejection = { status: 404, message: /initialize/, omits: session };
		for (const endpoint of [isolateB, isolateA]) {
			await expectRejection(endpoint.post(LIST, session), rejection);
			await expectRejection(endpoint.openStream(session), rejection);
		}
	});

	it('delivers changes and client responses across isolates', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const stream = await isolateA.openStream(session);
		await isolateB.call('notify', session, { what: 'tools' });
		await stream.waitFor(TOOLS_CHANGED);
		stream.destroy();
		const call = await isolateA.startCall('elicit', session);
		const { id } = await call.waitForMessage('elicitation/create');
		const result = { action: 'accept', content: { sure: true } };
		expect((await isolateB.post({ id: id ?? '', result }, session)).status).toBe(202);
		await call.ended;
		expect(call.text).toContain('sure: true');
	});

	it('reads the revision from the session id and sends a priming event for 2025-11-25', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		for (const [version, isPrimed] of [
			['2025-06-18', false],
			['2025-11-25', true],
			['2099-01-01', false],
		] as const) {
			const { headers } = await isolateA.post(initialize({}, version));
			const session = String(headers['mcp-session-id']);
			const stream = await isolateB.openStream(session);
			// A priming event precedes any notification.
			await isolateA.call('notify', session, { what: 'tools' });
			await stream.waitFor(TOOLS_CHANGED);
			expect([version, /^id: \S+\n(?:.+\n)*data: ?\n/m.test(stream.text)]).toEqual([
				version,
				isPrimed,
			]);
			stream.destroy();
		}
	});

	it('rejects initialize with 400 if the client metadata does not fit in a session id', async () => {
		const { isolateA } = deployment.endpoint();
		const response = await isolateA.post(
			initialize({ experimental: { a: { b: 'x'.repeat(2_000) } } }),
		);
		expect(response.headers).not.toHaveProperty('mcp-session-id');
		await expectRejection(response, { status: 400, message: /declare fewer capabilities/ });
	});
});
