import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const MAX_BODY_BYTES = 10_000;
const LIST = { id: 1, method: 'tools/list' };
const YES = { action: 'accept', content: { sure: true } };

const tests = (deployment: Deployment): void => {
	it('L27 client-response-routing: a question that nobody answers ends in time, with an error that says so', async () => {
		const { here, there } = deployment.endpoint('narrow');
		const session = await here.initialize();
		for (const tool of ['ask', 'sample']) {
			const start = performance.now();
			const asking = await here.startCall(tool, session);
			await asking.ended;
			expect(performance.now() - start).toBeLessThan(4_000);
			expect(asking.messages).toHaveLength(2);
			expect(JSON.stringify(asking.response)).toMatch(/answer.*\b1 s/i);
			// An answer that comes too late is nobody's.
			const [{ id } = {}] = asking.messages;
			expect((await there.post({ id: id ?? '', result: YES }, session)).status).toBe(202);
		}
		expect(await there.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it('L10 accept-negotiation, L27 client-response-routing: a client that takes JSON alone cannot be asked, and is not left waiting', async () => {
		const { here } = deployment.endpoint('narrow');
		const client = here.with({ accept: 'application/json' });
		const asking = await client.startCall('ask', await client.initialize());
		await asking.ended;
		expect(asking.messages).toHaveLength(1);
		expect(JSON.stringify(asking.response)).toMatch(/error/i);
	});

	describe('a body that is too long is a 413', () => {
		it.each([
			['of a request', 'tools/list'],
			['of a tool call', 'tools/call'],
		])('%s', async (_, method) => {
			const { here } = deployment.endpoint('narrow');
			const session = await here.initialize();
			const params = { name: 'echo', arguments: { text: 'x'.repeat(MAX_BODY_BYTES) } };
			const refusal = { status: 413, says: /10,?000/, hides: session };
			await expectRefusal(here.post({ id: 1, method, params }, session), refusal);
			await expectRefusal(here.postStateless({ id: 1, method, params }), { status: 413 });
			const chunked = here.with({ 'transfer-encoding': 'chunked' });
			await expectRefusal(chunked.post({ id: 1, method, params }, session), refusal);
		});

		it('one that is just short enough is not', async () => {
			const { here } = deployment.endpoint('narrow');
			const session = await here.initialize();
			const text = 'x'.repeat(MAX_BODY_BYTES - 200);
			expect(await here.call('echo', session, { text })).toContain(text);
			// Counted are bytes, not characters.
			const long = 'ü'.repeat(MAX_BODY_BYTES / 2);
			await expectRefusal(here.startCall('echo', session, { text: long }), { status: 413 });
		});
	});

	it.each([
		['no JSON', '{"jsonrpc":', -32700],
		['nothing', '', -32700],
		['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
		['no message', '{"hello":"world"}', -32600],
		['no object', '7', -32600],
	])('a body that holds %s is a 400', async (_, body, code) => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		const answer = here.send('POST', { 'mcp-session-id': session }, body);
		await expectRefusal(answer, { status: 400, code, hides: session });
	});

	it('JSON that is too deep is a 400', async () => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		const deep = '['.repeat(100_000) + ']'.repeat(100_000);
		const body = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":${deep}}}`;
		const answer = here.send('POST', { 'mcp-session-id': session }, body);
		await expectRefusal(answer, { status: 400, hides: session });
	});

	// A page may send text/plain to any site without being asked first.
	it.each(['text/plain', 'text/plain; a=application/json', 'application/json-patch+json'])(
		'a body of the type %s is a 415',
		async (type) => {
			const { here } = deployment.endpoint();
			const session = await here.initialize();
			const client = here.with({ 'content-type': type });
			await expectRefusal(client.post(LIST, session), { status: 415, hides: session });
		},
	);

	it('a body of application/json is taken in whatever case, and with a charset', async () => {
		const { here } = deployment.endpoint();
		const client = here.with({ 'content-type': 'Application/JSON; charset=utf-8' });
		const session = await client.initialize();
		expect(await client.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it('L2 ascii-session-id: an id that is too long is a 431', async () => {
		const { here } = deployment.endpoint();
		const id = 'x'.repeat(5_000);
		const refusal = { status: 431, says: /mcp-session-id/i, hides: id };
		await expectRefusal(here.post(LIST, id), refusal);
		await expectRefusal(here.openStream(id), refusal);
		await expectRefusal(here.endSession(id), refusal);
	});
};

describeEachDeployment(tests, { concurrent: true });
