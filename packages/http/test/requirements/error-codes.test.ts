import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';

const REF = { type: 'ref/prompt', name: 'describe' };
const ARGUMENT = { name: 'topic', value: 't' };

/** The method, its params, and the code of 2025-11-25 and before. */
const MISTAKES: [name: string, method: string, params: Record<string, unknown>, code: number][] = [
	['an unknown tool', 'tools/call', { name: 'none' }, -32602],
	['a call without a name', 'tools/call', {}, -32602],
	['a name that is no string', 'tools/call', { name: 7 }, -32602],
	['arguments that are a list', 'tools/call', { name: 'echo', arguments: [] }, -32602],
	['an unknown prompt', 'prompts/get', { name: 'none' }, -32602],
	['a prompt without a name', 'prompts/get', {}, -32602],
	['a prompt without its argument', 'prompts/get', { name: 'describe', arguments: {} }, -32602],
	['an unknown resource', 'resources/read', { uri: 'test://none' }, -32002],
	['a read without a uri', 'resources/read', {}, -32602],
	['a cursor that is a number', 'tools/list', { cursor: 7 }, -32602],
	['a completion without params', 'completion/complete', {}, -32602],
	[
		'a completion of a tool',
		'completion/complete',
		{ ref: { type: 'ref/tool', name: 'echo' }, argument: ARGUMENT },
		-32602,
	],
	[
		'a completion named like a member of objects',
		'completion/complete',
		{ ref: { type: 'toString', name: 'x' }, argument: ARGUMENT },
		-32602,
	],
	[
		'a completion of an unknown prompt',
		'completion/complete',
		{ ref: { ...REF, name: 'none' }, argument: ARGUMENT },
		-32602,
	],
	[
		'a completion of an unknown resource',
		'completion/complete',
		{ ref: { type: 'ref/resource', uri: 'test://none' }, argument: ARGUMENT },
		-32602,
	],
	[
		'a completion without a value',
		'completion/complete',
		{ ref: REF, argument: { name: 'topic' } },
		-32602,
	],
	['an unknown method', 'nothing/known', {}, -32601],
	['a method named like a member of objects', 'toString', {}, -32601],
	['a notification with an id', 'notifications/initialized', {}, -32601],
];

describeEachDeployment(
	(deployment) => {
		describe('responds with the code of the specification to', () => {
			it.each(MISTAKES)('%s', async (_, method, params, code) => {
				const { isolateA } = deployment.endpoint();
				const session = await isolateA.initialize();
				const response = await isolateA.post({ id: 1, method, params }, session);
				await response.ended;
				expect(response.rpcResponse).toMatchObject({ id: 1, error: { code } });
				const stateless = await isolateA.postStateless({ id: 1, method, params });
				await stateless.ended;
				// 2026-07-28 has one code for both.
				const expected = code === -32002 ? -32602 : code;
				expect([expected, -32020]).toContain(stateless.rpcResponse.error?.code);
			});
		});

		it('responds with data to an unknown resource, and to known completions with values', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const read = { id: 1, method: 'resources/read', params: { uri: 'test://none' } };
			const unknown = await isolateA.post(read, session);
			await unknown.ended;
			expect(unknown.rpcResponse.error).toMatchObject({ data: { uri: 'test://none' } });
			for (const [ref, name, values] of [
				[REF, 'topic', ['tides']],
				[REF, 'other', []],
				[{ type: 'ref/prompt', name: 'greet' }, 'topic', []],
				[{ type: 'ref/resource', uri: 'test://many/{number}' }, 'number', []],
				[{ type: 'ref/resource', uri: 'test://a' }, 'number', []],
			] as const) {
				const params = { ref, argument: { name, value: '' } };
				const message = { id: 1, method: 'completion/complete', params };
				for (const sent of [isolateA.post(message, session), isolateA.postStateless(message)]) {
					const response = await sent;
					await response.ended;
					expect(response.rpcResponse.result).toMatchObject({ completion: { values } });
				}
			}
		});
	},
	{ concurrent: true },
);
