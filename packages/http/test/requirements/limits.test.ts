import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const MAX_BODY_BYTES = 10_000;
const LIST = { id: 1, method: 'tools/list' };
const YES = { action: 'accept', content: { sure: true } };

const tests = (deployment: Deployment): void => {
	it('L27 client-response-routing: fails a server request without a client response after the timeout, with an error that gives it', async () => {
		const { isolateA, isolateB } = deployment.endpoint('narrow');
		const session = await isolateA.initialize();
		for (const tool of ['elicit', 'sample']) {
			const start = performance.now();
			const call = await isolateA.startCall(tool, session);
			await call.ended;
			expect(performance.now() - start).toBeLessThan(4_000);
			expect(call.messages).toHaveLength(2);
			expect(JSON.stringify(call.rpcResponse)).toMatch(/respond.*\b1 s/i);
			// A client response after the timeout is accepted and ignored.
			const [{ id } = {}] = call.messages;
			expect((await isolateB.post({ id: id ?? '', result: YES }, session)).status).toBe(202);
		}
		expect(await isolateB.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it('L10 accept-negotiation, L27 client-response-routing: fails an elicitation at once if the client accepts only JSON', async () => {
		const { isolateA } = deployment.endpoint('narrow');
		const client = isolateA.with({ accept: 'application/json' });
		const call = await client.startCall('elicit', await client.initialize());
		await call.ended;
		expect(call.messages).toHaveLength(1);
		expect(JSON.stringify(call.rpcResponse)).toMatch(/error/i);
	});

	describe('rejects a body over maxBodyBytes with 413', () => {
		it.each([
			['for tools/list', 'tools/list'],
			['for tools/call', 'tools/call'],
		])('%s', async (_, method) => {
			const { isolateA } = deployment.endpoint('narrow');
			const session = await isolateA.initialize();
			const params = { name: 'echo', arguments: { text: 'x'.repeat(MAX_BODY_BYTES) } };
			const rejection = { status: 413, message: /10,?000/, omits: session };
			await expectRejection(isolateA.post({ id: 1, method, params }, session), rejection);
			await expectRejection(isolateA.postStateless({ id: 1, method, params }), { status: 413 });
			const chunked = isolateA.with({ 'transfer-encoding': 'chunked' });
			await expectRejection(chunked.post({ id: 1, method, params }, session), rejection);
		});

		it('but not a body just below the limit, counted in bytes', async () => {
			const { isolateA } = deployment.endpoint('narrow');
			const session = await isolateA.initialize();
			const text = 'x'.repeat(MAX_BODY_BYTES - 200);
			expect(await isolateA.call('echo', session, { text })).toContain(text);
			// Half as many characters, but two bytes each.
			const long = 'ü'.repeat(MAX_BODY_BYTES / 2);
			await expectRejection(isolateA.startCall('echo', session, { text: long }), { status: 413 });
		});
	});

	it.each([
		['invalid JSON', '{"jsonrpc":', -32700],
		['no bytes', '', -32700],
		['an object that is not JSON-RPC', '{"hello":"world"}', -32600],
		['a number', '7', -32600],
	])('rejects a body with %s with 400', async (_, body, code) => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		const response = isolateA.send('POST', { 'mcp-session-id': session }, body);
		await expectRejection(response, { status: 400, code, omits: session });
	});

	it('rejects JSON nested 100,000 levels deep with 400', async () => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		const deep = '['.repeat(100_000) + ']'.repeat(100_000);
		const body = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":${deep}}}`;
		const response = isolateA.send('POST', { 'mcp-session-id': session }, body);
		await expectRejection(response, { status: 400, omits: session });
	});

	// A page can send text/plain to any site without a CORS preflight.
	it.each(['text/plain', 'text/plain; a=application/json', 'application/json-patch+json'])(
		'rejects the content type %s with 415',
		async (type) => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const client = isolateA.with({ 'content-type': type });
			await expectRejection(client.post(LIST, session), { status: 415, omits: session });
		},
	);

	it('accepts application/json in any case and with a charset', async () => {
		const { isolateA } = deployment.endpoint();
		const client = isolateA.with({ 'content-type': 'Application/JSON; charset=utf-8' });
		const session = await client.initialize();
		expect(await client.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it('L2 ascii-session-id: rejects a session id of 5,000 characters with 431', async () => {
		const { isolateA } = deployment.endpoint();
		const id = 'x'.repeat(5_000);
		const rejection = { status: 431, message: /mcp-session-id/i, omits: id };
		await expectRejection(isolateA.post(LIST, id), rejection);
		await expectRejection(isolateA.openStream(id), rejection);
		await expectRejection(isolateA.endSession(id), rejection);
	});
};

describeEachDeployment(tests, { concurrent: true });
