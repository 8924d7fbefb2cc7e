import { describe, expect, it } from 'vitest';

import type { Incoming } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import type { Isolates } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const VERSION = '2026-07-28';
const LIST = { id: 1, method: 'tools/list' };
const PREFIX = 'io.modelcontextprotocol';
const METADATA = {
	[`${PREFIX}/protocolVersion`]: VERSION,
	[`${PREFIX}/clientCapabilities`]: {},
	[`${PREFIX}/clientInfo`]: { name: 'raw', version: '1.0.0' },
};

/** Sends tools/list with this `_meta` and these headers. */
function list(
	{ here }: Isolates,
	metadata: Record<string, unknown> | undefined,
	headers: Record<string, string | undefined> = {},
): Promise<Incoming> {
	const params = metadata && { _meta: metadata };
	return here.send(
		'POST',
		{ 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/list', ...headers },
		JSON.stringify({ jsonrpc: '2.0', ...LIST, params }),
	);
}

function without(key: string): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(METADATA).filter(([name]) => name !== `${PREFIX}/${key}`),
	);
}

describeEachDeployment((deployment) => {
	it('M1 protocol-errors: a version that is not supported is a 400, with those that are', async () => {
		const metadata = { ...METADATA, [`${PREFIX}/protocolVersion`]: '2099-12-31' };
		const headers = { 'mcp-protocol-version': '2099-12-31' };
		const answer = await list(deployment.endpoint(), metadata, headers);
		const { error } = await expectRefusal(answer, { status: 400, code: -32022 });
		expect(error).toMatchObject({ data: { supported: [VERSION], requested: '2099-12-31' } });
	});

	it.each(['unheard/of', 'ping', 'logging/setLevel', 'resources/subscribe'])(
		'M1 protocol-errors: a method that is not there, such as %s, is a 404',
		async (method) => {
			const { here } = deployment.endpoint();
			const answer = here.postStateless({ id: 1, method });
			await expectRefusal(answer, { status: 404, code: -32601 });
		},
	);

	it.each([
		['version', { 'mcp-protocol-version': '2025-06-18' }],
		['method', { 'mcp-method': 'tools/call' }],
		['missing method', { 'mcp-method': undefined }],
	])(
		'M1 protocol-errors: a %s in the header that is not that of the body is a 400',
		async (_, headers) => {
			const answer = list(deployment.endpoint(), METADATA, headers);
			await expectRefusal(answer, { status: 400, code: -32020 });
		},
	);

	it('M1 protocol-errors: a name in the header that is not that of the body is a 400', async () => {
		const { here } = deployment.endpoint();
		const params = { name: 'echo', arguments: { text: 'hi' } };
		const client = here.with({ 'mcp-name': 'notify' });
		const answer = client.postStateless({ id: 1, method: 'tools/call', params });
		await expectRefusal(answer, { status: 400, code: -32020 });
	});

	it('M1 protocol-errors: a session id is ignored, whatever it is, and none is given out', async () => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		await here.endSession(session);
		for (const id of [session, 'made-up', 'a b', '']) {
			const answer = await there.with({ 'mcp-session-id': id }).postStateless(LIST);
			await answer.ended;
			expect(answer.status).toBe(200);
			expect(answer.headers).not.toHaveProperty('mcp-session-id');
			expect(answer.response).toMatchObject({ id: 1, result: { resultType: 'complete' } });
		}
	});

	it('M2 post-only: GET and DELETE are a 405', async () => {
		const { here } = deployment.endpoint();
		const session = await here.initialize();
		const client = here.with({ 'mcp-protocol-version': VERSION });
		for (const answer of [await client.openStream(session), await client.endSession(session)]) {
			expect(answer.headers.allow).toContain('POST');
			expect(answer.headers.allow).not.toMatch(/GET|DELETE/);
			await expectRefusal(answer, { status: 405, hides: session });
		}
		expect(await here.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it.each([
		['no _meta', undefined],
		['an empty _meta', {}],
		['no version in its _meta', without('protocolVersion')],
	])('M3 required-metadata: a request with %s is a 400', async (_, metadata) => {
		const answer = list(deployment.endpoint(), metadata);
		await expectRefusal(answer, { status: 400, code: -32602, says: /_meta|protocolVersion/ });
	});

	it('M4 capabilities-required: a request without clientCapabilities is a 400', async () => {
		const answer = list(deployment.endpoint(), without('clientCapabilities'));
		await expectRefusal(answer, { status: 400, code: -32602, says: /clientCapabilities/ });
	});

	it.each([
		['no object', 'all'],
		['an array', []],
		['null', null],
	])(
		'M4 capabilities-required: clientCapabilities that are %s are a 400',
		async (_, capabilities) => {
			const metadata = { ...METADATA, [`${PREFIX}/clientCapabilities`]: capabilities };
			const answer = list(deployment.endpoint(), metadata);
			await expectRefusal(answer, { status: 400, code: -32602, says: /clientCapabilities/ });
		},
	);

	it.each([
		['elicitation', 'ask', { sampling: {} }, 'text/event-stream, application/json'],
		['sampling', 'sample', { elicitation: {} }, 'text/event-stream, application/json'],
		['elicitation', 'ask', {}, 'application/json'],
	])(
		'M5 missing-capability: a tool that needs %s of a client without it is a 400',
		async (name, tool, capabilities, accept) => {
			const here = deployment.endpoint().here.with({ accept });
			const call = { id: 1, method: 'tools/call', params: { name: tool, arguments: {} } };
			const answer = here.postStateless(call, capabilities);
			const { error } = await expectRefusal(answer, { status: 400, code: -32021 });
			expect(error).toMatchObject({
				data: { requiredCapabilities: { [name]: expect.anything() } },
			});
		},
	);

	it('M7 stream-end: a client of this era that leaves a call has cancelled it', async () => {
		const { here } = deployment.endpoint();
		const note = crypto.randomUUID();
		const params = { name: 'wait-for-cancel', arguments: { note } };
		const call = await here.postStateless({ id: 1, method: 'tools/call', params });
		await call.until(': keep-alive');
		call.destroy();
		expect(await deployment.awaitNote(note)).toBe('cancelled');
	});

	describe('M9 keep-alive: long streams carry keep-alives, and are not buffered on their way', () => {
		it.each([
			[
				'a listener',
				({ here }: Isolates) =>
					here.postStateless({
						id: 1,
						method: 'subscriptions/listen',
						params: { notifications: { toolsListChanged: true } },
					}),
			],
			[
				'a call',
				({ here }: Isolates) =>
					here.postStateless({
						id: 1,
						method: 'tools/call',
						params: { name: 'work', arguments: { ms: 3_000, note: crypto.randomUUID() } },
					}),
			],
			['a GET stream', async ({ here }: Isolates) => here.openStream(await here.initialize())],
		])('%s', async (_, open) => {
			const stream = await open(deployment.endpoint());
			expect(stream.headers['x-accel-buffering']).toBe('no');
			expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
			await stream.until(': keep-alive', 2);
			stream.destroy();
		});
	});

	it('M12 cache-hints: discovery and lists say how long they may be kept, and by whom', async () => {
		const { here } = deployment.endpoint();
		for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/list']) {
			const answer = await here.postStateless({ id: 1, method });
			await answer.ended;
			expect(answer.response.result).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' });
		}
		const answer = await here.postStateless({ id: 1, method: 'server/discover' });
		await answer.ended;
		expect(answer.response.result).toMatchObject({
			supportedVersions: [VERSION],
			capabilities: { tools: {}, prompts: {}, resources: {} },
		});
	});
});
