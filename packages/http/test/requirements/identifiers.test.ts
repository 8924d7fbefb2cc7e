import { expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const MAX_LENGTH = 2_048;

/** Every place of a message that holds an identifier of the client. */
const MESSAGES: readonly (readonly [string, (identifier: string) => object])[] = [
	['method', (method) => ({ method })],
	['uri', (uri) => ({ method: 'resources/read', params: { uri } })],
	['uri', (uri) => ({ method: 'resources/subscribe', params: { uri } })],
	['uri', (uri) => ({ method: 'resources/unsubscribe', params: { uri } })],
	['name', (name) => ({ method: 'tools/call', params: { name } })],
	['name', (name) => ({ method: 'prompts/get', params: { name } })],
	['cursor', (cursor) => ({ method: 'tools/list', params: { cursor } })],
	['cursor', (cursor) => ({ method: 'resources/list', params: { cursor } })],
	['taskId', (taskId) => ({ method: 'tasks/get', params: { taskId } })],
	['requestId', (requestId) => ({ method: 'notifications/cancelled', params: { requestId } })],
	[
		'ref.uri',
		(uri) => ({ method: 'completion/complete', params: { ref: { type: 'ref/resource', uri } } }),
	],
	[
		'ref.name',
		(name) => ({ method: 'completion/complete', params: { ref: { type: 'ref/prompt', name } } }),
	],
	[
		'argument.name',
		(name) => ({
			method: 'completion/complete',
			params: { ref: { type: 'ref/prompt', name: 'x' }, argument: { name, value: '' } },
		}),
	],
	[
		'a subscribed uri',
		(uri) => ({
			method: 'subscriptions/listen',
			params: { notifications: { resourceSubscriptions: ['test://a', uri] } },
		}),
	],
];

describeEachDeployment(
	(deployment) => {
		it('rejects every identifier that is too long, in both eras', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			for (const [name, messageWith] of MESSAGES) {
				const message = { id: 7, ...messageWith('x'.repeat(MAX_LENGTH + 1)) };
				const rejection = {
					status: 400,
					code: -32602,
					message: new RegExp(`${name} must have at most ${MAX_LENGTH} .* got ${MAX_LENGTH + 1}`),
				};
				expect((await expectRejection(isolateB.post(message, session), rejection)).id).toBe(7);
				const stateless = { method: '', ...message };
				await expectRejection(isolateA.postStateless(stateless), rejection);
			}
			expect(await isolateB.call('echo', session, { text: 'hi' })).toContain('echo: hi');
		});

		it('accepts the longest uri', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const uri = 'test://many/'.padEnd(MAX_LENGTH, 'x');
			const read = { id: 1, method: 'resources/read', params: { uri } };
			const response = await isolateA.post(read, session);
			await response.ended;
			expect(response.text).toContain('one of many');
		});
	},
	{ concurrent: true },
);
