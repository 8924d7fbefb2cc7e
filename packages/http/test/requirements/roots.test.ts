import { expect, it } from 'vitest';

import type { Endpoint, IncomingResponse, Received } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';

const CAPABILITIES = { roots: {}, elicitation: {} };
const YES = { action: 'accept', content: { sure: true } };
const ROOTS = { roots: [{ uri: 'file:///home/ann', name: 'home' }] };

/** Calls a tool of a stateless client. */
async function callStateless(
	endpoint: Endpoint,
	name: string,
	input: Record<string, unknown> = {},
	capabilities: Record<string, unknown> = CAPABILITIES,
): Promise<Received> {
	const message = { id: 1, method: 'tools/call', params: { name, arguments: {}, ...input } };
	const response = await endpoint.postStateless(message, capabilities);
	await response.ended;
	return response.rpcResponse;
}

/** Responds to the `roots/list` of a call. */
async function respondWithRoots(
	call: IncomingResponse,
	endpoint: Endpoint,
	session: string,
	uri: string,
): Promise<void> {
	const { id = '' } = await call.waitForMessage('roots/list');
	await endpoint.post({ id: id ?? '', result: { roots: [{ uri }] } }, session);
}

describeEachDeployment(
	(deployment) => {
		it('M11 roots-input-request: requests roots of a stateless client, whose next round may reach another isolate', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const { result } = await callStateless(isolateA, 'request-roots');
			expect(result).toMatchObject({
				resultType: 'input_required',
				inputRequests: { roots: { method: 'roots/list' } },
			});
			const last = await callStateless(isolateB, 'request-roots', {
				inputResponses: { roots: ROOTS },
			});
			expect(JSON.stringify(last.result)).toContain('roots: [file:///home/ann]');
		});

		it('M11 roots-input-request: keeps the roots in the sealed state for later rounds', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const first = await callStateless(isolateA, 'confirm-roots');
			expect(first.result?.['inputRequests']).toMatchObject({
				sure: { method: 'elicitation/create' },
				roots: { method: 'roots/list' },
			});
			const second = await callStateless(isolateB, 'confirm-roots', {
				inputResponses: { sure: YES, roots: ROOTS },
			});
			const requestState = String(second.result?.['requestState']);
			expect(second.result?.['inputRequests']).toEqual({ really: expect.anything() });
			expect(requestState).not.toContain('file:');
			const input = { requestState, inputResponses: { really: YES } };
			const last = await callStateless(isolateA, 'confirm-roots', input);
			expect(JSON.stringify(last.result)).toContain('accept, true, roots: [file:///home/ann]');
		});

		it('M11 roots-input-request, M5 missing-capability: rejects requesting roots of a client without them', async () => {
			const { isolateA } = deployment.endpoint();
			expect(await callStateless(isolateA, 'request-roots', {}, { sampling: {} })).toMatchObject({
				error: { code: -32021, data: { requiredCapabilities: { roots: {} } } },
			});
			const session = await isolateA.initialize({ sampling: {} });
			expect(await isolateA.call('request-roots', session)).toContain('"code":-32601');
		});

		it('requests roots of a session-based client, which may respond to another isolate', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize(CAPABILITIES);
			const call = await isolateA.startCall('request-roots', session);
			await respondWithRoots(call, isolateB, session, 'file:///home/bob');
			await call.ended;
			expect(call.text).toContain('roots: [file:///home/bob]');
		});

		it('keeps the roots of two principals apart, however their calls interleave', async () => {
			const { isolateA } = deployment.endpoint('bearer');
			const ann = isolateA.with({ authorization: 'Bearer token-ann-app-1' });
			const bob = isolateA.with({ authorization: 'Bearer token-bob-app-1' });
			const annSession = await ann.initialize(CAPABILITIES);
			const bobSession = await bob.initialize(CAPABILITIES);
			const ofAnn = await ann.startCall('refresh-roots', annSession, { ms: 300 });
			await respondWithRoots(ofAnn, ann, annSession, 'file:///secret/of/ann');
			expect(await bob.call('known-roots', bobSession)).toContain('roots: []');
			const ofBob = await bob.startCall('refresh-roots', bobSession, { ms: 0 });
			await respondWithRoots(ofBob, bob, bobSession, 'file:///secret/of/bob');
			await Promise.all([ofAnn.ended, ofBob.ended]);
			expect(ofAnn.text).toContain('roots: [file:///secret/of/ann]');
			expect(ofBob.text).toContain('roots: [file:///secret/of/bob]');
			expect(await ann.call('known-roots', annSession)).toContain('[file:///secret/of/ann]');
			const changed = { method: 'notifications/roots/list_changed' };
			expect((await bob.post(changed, bobSession)).status).toBe(202);
			expect(await ann.call('known-roots', annSession)).toContain('[file:///secret/of/ann]');
			expect((await ann.post(changed, annSession)).status).toBe(202);
			expect(await ann.call('known-roots', annSession)).toContain('roots: []');
		});
	},
	{ concurrent: true },
);
