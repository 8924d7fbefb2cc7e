import { describe, expect, it } from 'vitest';

import type { Endpoint, Received } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import type { Deployment } from './deployments.ts';

const CAPABILITIES = { elicitation: {} };
const YES = { action: 'accept', content: { sure: true } };

interface Call {
	readonly name?: string;
	readonly word?: string;
	readonly requestState?: unknown;
	readonly inputResponses?: Record<string, unknown>;
}

/** Calls a multi-round tool: the first round, or a later one with input responses. */
async function call(
	endpoint: Endpoint,
	{ name = 'remember', word = 'plover', requestState, inputResponses }: Call = {},
): Promise<Received> {
	const params = {
		name,
		arguments: { word },
		...(inputResponses && { inputResponses }),
		...(requestState !== undefined && { requestState }),
	};
	const message = { id: 1, method: 'tools/call', params };
	const response = await endpoint.postStateless(message, CAPABILITIES);
	await response.ended;
	return response.rpcResponse;
}

/** Returns the request state of an input_required result. */
function stateOf({ result }: Received): string {
	expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
	return String(result?.['requestState']);
}

const REJECTED = { error: { code: -32602, message: expect.stringMatching(/requestState/) } };

const tests = (deployment: Deployment): void => {
	it('M10 sealed-request-state: completes a call over several rounds in alternating isolates', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const first = stateOf(await call(isolateA));
		const second = stateOf(
			await call(isolateB, { requestState: first, inputResponses: { first: YES } }),
		);
		const last = await call(isolateA, { requestState: second, inputResponses: { second: YES } });
		expect(JSON.stringify(last.result)).toContain('true true plover');
	});

	it('M10 sealed-request-state: hides the state from the client', async () => {
		const { isolateA } = deployment.endpoint();
		const state = stateOf(await call(isolateA));
		const texts = [
			state,
			...['base64', 'base64url', 'hex'].map((encoding) =>
				Buffer.from(state, encoding as BufferEncoding).toString('latin1'),
			),
			...state.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1')),
		];
		for (const text of texts) expect(text).not.toMatch(/confidential|plover/);
		// Sealing the same state twice yields different texts.
		expect(stateOf(await call(isolateA))).not.toBe(state);
	});

	it('M10 sealed-request-state: rejects a modified, truncated or invented state', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const state = stateOf(await call(isolateA));
		const middle = Math.floor(state.length / 2);
		const swapped = state[middle] === 'A' ? 'B' : 'A';
		const states = [
			`${state.slice(0, middle)}${swapped}${state.slice(middle + 1)}`,
			state.slice(0, -2),
			`${state}AAAA`,
			'',
			'made-up',
			JSON.stringify({ version: 1, inputResponses: { first: YES }, state: 'confidential' }),
		];
		for (const requestState of states) {
			const response = await call(isolateB, { requestState, inputResponses: { first: YES } });
			expect(response, requestState).toMatchObject(REJECTED);
		}
	});

	describe('M10 sealed-request-state: rejects a state that was issued for', () => {
		it.each([
			['another tool', { name: 'remember-too' }],
			['other arguments', { word: 'xyzzy' }],
		])('%s', async (_, other) => {
			const { isolateA, isolateB } = deployment.endpoint();
			const requestState = stateOf(await call(isolateA));
			const response = await call(isolateB, {
				requestState,
				inputResponses: { first: YES },
				...other,
			});
			expect(response).toMatchObject(REJECTED);
		});
	});

	it('M10 sealed-request-state: rejects a state after its lifetime', async () => {
		const { isolateA, isolateB } = deployment.endpoint('brief');
		const requestState = stateOf(await call(isolateA));
		const inputResponses = { first: YES };
		stateOf(await call(isolateB, { requestState, inputResponses }));
		await new Promise((resolve) => setTimeout(resolve, 1_200));
		expect(await call(isolateB, { requestState, inputResponses })).toMatchObject(REJECTED);
	});

	it('M10 sealed-request-state: rejects the second use of a state in either isolate if singleUse is set', async () => {
		const { isolateA, isolateB } = deployment.endpoint('once');
		const first = { requestState: stateOf(await call(isolateA)), inputResponses: { first: YES } };
		const second = {
			requestState: stateOf(await call(isolateB, first)),
			inputResponses: { second: YES },
		};
		expect(JSON.stringify(await call(isolateA, second))).toContain('true true plover');
		for (const endpoint of [isolateA, isolateB]) {
			for (const used of [first, second]) {
				expect(await call(endpoint, used)).toMatchObject(REJECTED);
			}
		}
	});

	it('M10 sealed-request-state: accepts a state only from its principal, also with a refreshed token', async () => {
		const { isolateA, isolateB } = deployment.endpoint('bearer');
		const withToken = (endpoint: Endpoint, token: string): Endpoint =>
			endpoint.with({ authorization: `Bearer token-${token}` });
		const requestState = stateOf(await call(withToken(isolateA, 'ann-app-1')));
		const inputResponses = { first: YES };
		for (const token of ['bob-app-1', 'ann-tool-1']) {
			expect(
				await call(withToken(isolateB, token), { requestState, inputResponses }),
			).toMatchObject(REJECTED);
		}
		stateOf(await call(withToken(isolateB, 'ann-app-2'), { requestState, inputResponses }));
	});
};

describeEachDeployment(tests, { concurrent: true });
