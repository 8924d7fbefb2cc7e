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
	readonly answers?: Record<string, unknown>;
}

/** Calls a tool that asks, or calls it again with what it asked for. */
async function call(
	endpoint: Endpoint,
	{ name = 'remember', word = 'plover', requestState, answers }: Call = {},
): Promise<Received> {
	const params = {
		name,
		arguments: { word },
		...(answers && { inputResponses: answers }),
		...(requestState !== undefined && { requestState }),
	};
	const message = { id: 1, method: 'tools/call', params };
	const answer = await endpoint.postStateless(message, CAPABILITIES);
	await answer.ended;
	return answer.response;
}

/** The state that comes with a question. */
function stateOf({ result }: Received): string {
	expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
	return String(result?.['requestState']);
}

const REFUSED = { error: { code: -32602, message: expect.stringMatching(/requestState/) } };

const tests = (deployment: Deployment): void => {
	it('M10 sealed-request-state: a call is answered over several rounds, each in another isolate', async () => {
		const { here, there } = deployment.endpoint();
		const first = stateOf(await call(here));
		const second = stateOf(await call(there, { requestState: first, answers: { first: YES } }));
		const last = await call(here, { requestState: second, answers: { second: YES } });
		expect(JSON.stringify(last.result)).toContain('true true plover');
	});

	it('M10 sealed-request-state: what the server remembers cannot be read by the client', async () => {
		const { here } = deployment.endpoint();
		const state = stateOf(await call(here));
		const texts = [
			state,
			...['base64', 'base64url', 'hex'].map((encoding) =>
				Buffer.from(state, encoding as BufferEncoding).toString('latin1'),
			),
			...state.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1')),
		];
		for (const text of texts) expect(text).not.toMatch(/confidential|plover/);
		// The same state is never the same text.
		expect(stateOf(await call(here))).not.toBe(state);
	});

	it('M10 sealed-request-state: a state that was changed, cut or made up is refused', async () => {
		const { here, there } = deployment.endpoint();
		const state = stateOf(await call(here));
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
			const answer = await call(there, { requestState, answers: { first: YES } });
			expect(answer, requestState).toMatchObject(REFUSED);
		}
	});

	describe('M10 sealed-request-state: a state is good for the request that it was given for, and no other', () => {
		it.each([
			['another tool', { name: 'remember-too' }],
			['other arguments', { word: 'xyzzy' }],
		])('%s', async (_, other) => {
			const { here, there } = deployment.endpoint();
			const requestState = stateOf(await call(here));
			const answer = await call(there, { requestState, answers: { first: YES }, ...other });
			expect(answer).toMatchObject(REFUSED);
		});
	});

	it('M10 sealed-request-state: a state is good for a while', async () => {
		const { here, there } = deployment.endpoint('brief');
		const requestState = stateOf(await call(here));
		const answers = { first: YES };
		stateOf(await call(there, { requestState, answers }));
		await new Promise((resolve) => setTimeout(resolve, 1_200));
		expect(await call(there, { requestState, answers })).toMatchObject(REFUSED);
	});

	it('M10 sealed-request-state: a state is good for one use where the server says so, in whatever isolate', async () => {
		const { here, there } = deployment.endpoint('once');
		const first = { requestState: stateOf(await call(here)), answers: { first: YES } };
		const second = { requestState: stateOf(await call(there, first)), answers: { second: YES } };
		expect(JSON.stringify(await call(here, second))).toContain('true true plover');
		for (const endpoint of [here, there]) {
			for (const used of [first, second]) {
				expect(await call(endpoint, used)).toMatchObject(REFUSED);
			}
		}
	});

	it('M10 sealed-request-state: a state is good for its user alone, with a refreshed token too', async () => {
		const { here, there } = deployment.endpoint('bearer');
		const as = (endpoint: Endpoint, token: string): Endpoint =>
			endpoint.with({ authorization: `Bearer token-${token}` });
		const requestState = stateOf(await call(as(here, 'ann-app-1')));
		const answers = { first: YES };
		for (const token of ['bob-app-1', 'ann-tool-1']) {
			expect(await call(as(there, token), { requestState, answers })).toMatchObject(REFUSED);
		}
		stateOf(await call(as(there, 'ann-app-2'), { requestState, answers }));
	});
};

describeEachDeployment(tests, { concurrent: true });
