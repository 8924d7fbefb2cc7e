import { describe, expect, it } from 'vitest';

import type { IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import type { Isolates } from './deployments.ts';
import { expectRejection } from './rejections.ts';

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
	{ isolateA }: Isolates,
	metadata: Record<string, unknown> | undefined,
	headers: Record<string, string | undefined> = {},
): Promise<IncomingResponse> {
	const params = metadata && { _meta: metadata };
	return isolateA.send(
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
	it('M1 protocol-errors: rejects an unsupported version with 400 and lists the supported ones', async () => {
		const metadata = { ...METADATA, [`${PREFIX}/protocolVersion`]: '2099-12-31' };
		const headers = { 'mcp-protocol-version': '2099-12-31' };
		const response = await list(deployment.endpoint(), metadata, headers);
		const { error } = await expectRejection(response, { status: 400, code: -32022 });
		expect(error).toMatchObject({ data: { supported: [VERSION], requested: '2099-12-31' } });
	});

	it.each(['unheard/of', 'ping', 'logging/setLevel', 'resources/subscribe'])(
		'M1 protocol-errors: rejects the unknown method %s with 404',
		async (method) => {
			const { isolateA } = deployment.endpoint();
			const response = isolateA.postStateless({ id: 1, method });
			await expectRejection(response, { status: 404, code: -32601 });
		},
	);

	it.each([
		['version', { 'mcp-protocol-version': '2025-06-18' }],
		['method', { 'mcp-method': 'tools/call' }],
		['missing method', { 'mcp-method': undefined }],
	])(
		'M1 protocol-errors: rejects a header with a %s that differs from the body with 400',
		async (_, headers) => {
			const response = list(deployment.endpoint(), METADATA, headers);
			await expectRejection(response, { status: 400, code: -32020 });
		},
	);

	it('M1 protocol-errors: rejects an Mcp-Name header that differs from the body with 400', async () => {
		const { isolateA } = deployment.endpoint();
		const params = { name: 'echo', arguments: { text: 'hi' } };
		const client = isolateA.with({ 'mcp-name': 'notify' });
		const response = client.postStateless({ id: 1, method: 'tools/call', params });
		await expectRejection(response, { status: 400, code: -32020 });
	});

	it('M1 protocol-errors: ignores a session id and issues none', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		await isolateA.endSession(session);
		for (const id of [session, 'made-up', 'a b', '']) {
			const response = await isolateB.with({ 'mcp-session-id': id }).postStateless(LIST);
			await response.ended;
			expect(response.status).toBe(200);
			expect(response.headers).not.toHaveProperty('mcp-session-id');
			expect(response.rpcResponse).toMatchObject({ id: 1, result: { resultType: 'complete' } });
		}
	});

	it('M2 post-only: rejects GET and DELETE with 405', async () => {
		const { isolateA } = deployment.endpoint();
		const session = await isolateA.initialize();
		const client = isolateA.with({ 'mcp-protocol-version': VERSION });
		for (const response of [await client.openStream(session), await client.endSession(session)]) {
			expect(response.headers.allow).toContain('POST');
			expect(response.headers.allow).not.toMatch(/GET|DELETE/);
			await expectRejection(response, { status: 405, omits: session });
		}
		expect(await isolateA.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it.each([
		['no _meta', undefined],
		['an empty _meta', {}],
		['no version in its _meta', without('protocolVersion')],
	])('M3 required-metadata: rejects a request with %s with 400', async (_, metadata) => {
		const response = list(deployment.endpoint(), metadata);
		await expectRejection(response, {
			status: 400,
			code: -32602,
			message: /_meta|protocolVersion/,
		});
	});

	it('M4 capabilities-required: rejects a request without clientCapabilities with 400', async () => {
		const response = list(deployment.endpoint(), without('clientCapabilities'));
		await expectRejection(response, { status: 400, code: -32602, message: /clientCapabilities/ });
	});

	it.each([
		['a string', 'all'],
		['an array', []],
		['null', null],
	])(
		'M4 capabilities-required: rejects clientCapabilities that are %s with 400',
		async (_, capabilities) => {
			const metadata = { ...METADATA, [`${PREFIX}/clientCapabilities`]: capabilities };
			const response = list(deployment.endpoint(), metadata);
			await expectRejection(response, { status: 400, code: -32602, message: /clientCapabilities/ });
		},
	);

	it.each([
		['elicitation', 'elicit', { sampling: {} }, 'text/event-stream, application/json'],
		['sampling', 'sample', { elicitation: {} }, 'text/event-stream, application/json'],
		['elicitation', 'elicit', {}, 'application/json'],
	])(
		'M5 missing-capability: rejects a call of a tool that requires %s with 400 if the client lacks it',
		async (name, tool, capabilities, accept) => {
			const isolateA = deployment.endpoint().isolateA.with({ accept });
			const call = { id: 1, method: 'tools/call', params: { name: tool, arguments: {} } };
			const response = isolateA.postStateless(call, capabilities);
			const { error } = await expectRejection(response, { status: 400, code: -32021 });
			expect(error).toMatchObject({
				data: { requiredCapabilities: { [name]: expect.anything() } },
			});
		},
	);

	it('M7 stream-end: cancels the call of a stateless client that disconnects', async () => {
		const { isolateA } = deployment.endpoint();
		const note = crypto.randomUUID();
		const params = { name: 'wait-for-cancel', arguments: { note } };
		const call = await isolateA.postStateless({ id: 1, method: 'tools/call', params });
		await call.waitFor(': keep-alive');
		call.destroy();
		expect(await deployment.awaitNote(note)).toBe('cancelled');
	});

	describe('M9 keep-alive: sends keep-alives and X-Accel-Buffering: no on', () => {
		it.each([
			[
				'a subscription',
				({ isolateA }: Isolates) =>
					isolateA.postStateless({
						id: 1,
						method: 'subscriptions/listen',
						params: { notifications: { toolsListChanged: true } },
					}),
			],
			[
				'a call',
				({ isolateA }: Isolates) =>
					isolateA.postStateless({
						id: 1,
						method: 'tools/call',
						params: { name: 'sleep', arguments: { ms: 3_000, note: crypto.randomUUID() } },
					}),
			],
			[
				'a GET stream',
				async ({ isolateA }: Isolates) => isolateA.openStream(await isolateA.initialize()),
			],
		])('%s', async (_, open) => {
			const stream = await open(deployment.endpoint());
			expect(stream.headers['x-accel-buffering']).toBe('no');
			expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
			await stream.waitFor(': keep-alive', 2);
			stream.destroy();
		});
	});

	it('M12 cache-hints: sends ttlMs and cacheScope with discovery and list results', async () => {
		const { isolateA } = deployment.endpoint();
		for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/list']) {
			const response = await isolateA.postStateless({ id: 1, method });
			await response.ended;
			expect(response.rpcResponse.result).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' });
		}
		const response = await isolateA.postStateless({ id: 1, method: 'server/discover' });
		await response.ended;
		expect(response.rpcResponse.result).toMatchObject({
			supportedVersions: [VERSION],
			capabilities: { tools: {}, prompts: {}, resources: {} },
		});
	});
});
