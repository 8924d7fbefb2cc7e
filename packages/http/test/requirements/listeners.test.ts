import { expect, it } from 'vitest';

import type { Incoming } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { listen, raise } from './listening.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const PROMPTS_CHANGED = 'notifications/prompts/list_changed';
const UPDATED = 'notifications/resources/updated';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const TOOLS = { toolsListChanged: true };

describeEachDeployment((deployment) => {
	it.each([[7], ['7'], ['listener-ü']])(
		'M6 subscription-delivery: the acknowledgement comes first, and every message carries the subscription id %j',
		async (id) => {
			const { here, there } = deployment.endpoint();
			const listener = await listen(here, id, TOOLS);
			await listener.until(ACKNOWLEDGED);
			await raise(there, 'notify', { what: 'tools' });
			await raise(here, 'notify', { what: 'tools' });
			await listener.until(TOOLS_CHANGED, 2);
			expect(listener.messages).toMatchObject(
				[ACKNOWLEDGED, TOOLS_CHANGED, TOOLS_CHANGED].map((method) => ({
					method,
					params: { _meta: { [SUBSCRIPTION_ID]: id } },
				})),
			);
			expect(listener.messages[0]?.params?.['notifications']).toEqual(TOOLS);
			listener.destroy();
		},
	);

	it('M6 subscription-delivery: only what was asked for is sent', async () => {
		const { here, there } = deployment.endpoint();
		const prompts = await listen(here, 1, { promptsListChanged: true });
		const resource = await listen(there, 1, { resourceSubscriptions: ['test://a'] });
		await Promise.all([prompts.until(ACKNOWLEDGED), resource.until(ACKNOWLEDGED)]);
		for (const endpoint of [here, there]) {
			await raise(endpoint, 'notify', { what: 'tools' });
			await raise(endpoint, 'update', { uri: 'test://b' });
			await raise(endpoint, 'update', { uri: 'test://a' });
			await raise(endpoint, 'notify', { what: 'prompts' });
		}
		await Promise.all([prompts.until(PROMPTS_CHANGED, 2), resource.until(UPDATED, 2)]);
		const methods = ({ messages }: Incoming): unknown[] => messages.map(({ method }) => method);
		expect(methods(prompts)).toEqual([ACKNOWLEDGED, PROMPTS_CHANGED, PROMPTS_CHANGED]);
		expect(methods(resource)).toEqual([ACKNOWLEDGED, UPDATED, UPDATED]);
		expect(resource.text).not.toContain('test://b');
		prompts.destroy();
		resource.destroy();
	});

	it('M7 stream-end: a server that ends a subscription sends the empty result, then closes', async () => {
		const { here, there } = deployment.endpoint();
		const listeners = [await listen(here, 7, TOOLS), await listen(there, 'seven', TOOLS)];
		await Promise.all(listeners.map((listener) => listener.until(ACKNOWLEDGED)));
		await deployment.endListeners();
		await Promise.all(listeners.map(({ ended }) => ended));
		for (const [index, id] of [7, 'seven'].entries()) {
			const [first, last, ...more] = listeners[index]?.messages ?? [];
			expect(first).toMatchObject({ method: ACKNOWLEDGED });
			const { _meta: metadata, ...result } = last?.result ?? {};
			expect(last).toMatchObject({ jsonrpc: '2.0', id });
			expect(metadata).toMatchObject({ [SUBSCRIPTION_ID]: id });
			expect(result).toEqual({ resultType: 'complete' });
			expect(more).toEqual([]);
		}
	});

	it('M7 stream-end: a client that disconnects has cancelled, and may listen again with the same id', async () => {
		const { here, there } = deployment.endpoint();
		await expect.poll(() => deployment.listeners(), { timeout: 5_000 }).toBe(0);
		for (const endpoint of [here, there, here]) {
			const listener = await listen(endpoint, 7, TOOLS);
			await listener.until(ACKNOWLEDGED);
			expect(await deployment.listeners()).toBe(1);
			listener.destroy();
			await expect.poll(() => deployment.listeners(), { timeout: 5_000 }).toBe(0);
		}
	});

	it('M8 notifications-across-isolates: a change made in one isolate reaches the listeners of every isolate, once each', async () => {
		const { here, there } = deployment.endpoint();
		const listeners = [
			await listen(here, 1, TOOLS),
			await listen(there, 1, TOOLS),
			await listen(there, 2, TOOLS),
		];
		await Promise.all(listeners.map((listener) => listener.until(ACKNOWLEDGED)));
		for (const endpoint of [here, there]) {
			for (let change = 0; change < 3; change++) await raise(endpoint, 'notify', { what: 'tools' });
		}
		await Promise.all(listeners.map((listener) => listener.until(TOOLS_CHANGED, 6)));
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect(listeners.map((listener) => listener.count(TOOLS_CHANGED))).toEqual([6, 6, 6]);
		for (const listener of listeners) listener.destroy();
	});
});

describeEachDeployment(
	(deployment) => {
		it('M8 notifications-across-isolates: a change made by a session reaches the listeners of the stateless era, and the other way', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const [stream, listener] = [await here.openStream(session), await listen(there, 1, TOOLS)];
			await listener.until(ACKNOWLEDGED);
			await here.call('notify', session, { what: 'tools' });
			await raise(there, 'notify', { what: 'tools' });
			await Promise.all([stream.until(TOOLS_CHANGED, 2), listener.until(TOOLS_CHANGED, 2)]);
			stream.destroy();
			listener.destroy();
		});
	},
	{ oneServer: true },
);
