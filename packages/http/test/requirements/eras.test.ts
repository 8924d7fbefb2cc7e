import { expect, it } from 'vitest';

import type { Endpoint, IncomingResponse, Message } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const PREFIX = 'io.modelcontextprotocol';
const STATELESS = '2026-07-28';
const SESSION_BASED = '2025-11-25';
const ECHO = { name: 'echo', arguments: { text: 'hi' } };
const CLIENT = { name: 'connector', version: '1.0.0' };
const INITIALIZE = {
	id: 0,
	method: 'initialize',
	params: { protocolVersion: SESSION_BASED, capabilities: {}, clientInfo: CLIENT },
};

/** Calls a tool with the metadata of one revision and the header of another, as a connector does. */
function callOf(version: string = STATELESS): Message & { readonly method: string } {
	const _meta = {
		[`${PREFIX}/protocolVersion`]: version,
		[`${PREFIX}/clientCapabilities`]: {},
		[`${PREFIX}/clientInfo`]: CLIENT,
	};
	return { id: 1, method: 'tools/call', params: { ...ECHO, _meta } };
}

async function completed(response: Promise<IncomingResponse>): Promise<IncomingResponse> {
	await (
		await response
	).ended;
	return response;
}

function connector(endpoint: Endpoint): Endpoint {
	return endpoint.with({ 'mcp-protocol-version': SESSION_BASED });
}

describeEachDeployment(
	(deployment) => {
		it.each([
			['another revision than its header', STATELESS, SESSION_BASED, -32020],
			['a revision and no header', STATELESS, undefined, -32020],
			['the session-based revision of its header', SESSION_BASED, SESSION_BASED, -32022],
		])(
			'rejects stateless metadata with %s, also in a session',
			async (_, version, header, code) => {
				const { isolateA, isolateB } = deployment.endpoint();
				const session = await isolateA.initialize();
				const client = isolateB.with({ 'mcp-protocol-version': header });
				for (const id of [undefined, session]) {
					const response = await completed(client.post(callOf(version), id));
					await expectRejection(response, { status: 400, code, omits: session });
					expect(response.rpcResponse.id).toBe(1);
					expect(response.text).not.toContain('echo: hi');
				}
				expect(await isolateA.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			},
		);

		it('lets the header decide if it serves sessions only', async () => {
			const { isolateA, isolateB } = deployment.endpoint('session-based');
			// The client tries the stateless era first, and falls back.
			const discover = { id: 1, method: 'server/discover' };
			const { error } = await expectRejection(isolateA.postStateless(discover), {
				status: 400,
				code: -32022,
			});
			expect(error).toMatchObject({ data: { supported: expect.arrayContaining([SESSION_BASED]) } });
			const opened = await completed(isolateA.post(INITIALIZE));
			const session = String(opened.headers['mcp-session-id']);
			for (const version of [STATELESS, SESSION_BASED]) {
				const call = await completed(connector(isolateB).post(callOf(version), session));
				expect([call.status, call.text]).toEqual([200, expect.stringContaining('echo: hi')]);
			}
			await expectRejection(isolateB.postStateless(callOf()), { status: 400 });
			await expectRejection(connector(isolateB).post(callOf()), {
				status: 400,
				message: /session/i,
			});
		});
	},
	{ concurrent: true },
);
