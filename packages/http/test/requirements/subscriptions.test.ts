import { expect, it } from 'vitest';

import type { IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { emitChange, openSubscription } from './stateless-requests.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const PROMPTS_CHANGED = 'notifications/prompts/list_changed';
const UPDATED = 'notifications/resources/updated';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const TOOLS = { toolsListChanged: true };

describeEachDeployment((deployment) => {
	it.each([[7], ['7'], ['subscription-ü']])(
		'M6 subscription-delivery: sends the acknowledgment first and the subscription id %j with every message',
		async (id) => {
			const { isolateA, isolateB } = deployment.endpoint();
			const subscription = await openSubscription(isolateA, id, TOOLS);
			await subscription.waitFor(ACKNOWLEDGED);
			await emitChange(isolateB, 'notify', { what: 'tools' });
			await emitChange(isolateA, 'notify', { what: 'tools' });
			await subscription.waitFor(TOOLS_CHANGED, 2);
			expect(subscription.messages).toMatchObject(
				[ACKNOWLEDGED, TOOLS_CHANGED, TOOLS_CHANGED].map((method) => ({
					method,
					params: { _meta: { [SUBSCRIPTION_ID]: id } },
				})),
			);
			expect(subscription.messages[0]?.params?.['notifications']).toEqual(TOOLS);
			subscription.destroy();
		},
	);

	it('M6 subscription-delivery: sends only the notifications that the client requested', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const prompts = await openSubscription(isolateA, 1, { promptsListChanged: true });
		const resource = await openSubscription(isolateB, 1, { resourceSubscriptions: ['test://a'] });
		await Promise.all([prompts.waitFor(ACKNOWLEDGED), resource.waitFor(ACKNOWLEDGED)]);
		for (const endpoint of [isolateA, isolateB]) {
			await emitChange(endpoint, 'notify', { what: 'tools' });
			await emitChange(endpoint, 'update', { uri: 'test://b' });
			await emitChange(endpoint, 'update', { uri: 'test://a' });
			await emitChange(endpoint, 'notify', { what: 'prompts' });
		}
		await Promise.all([prompts.waitFor(PROMPTS_CHANGED, 2), resource.waitFor(UPDATED, 2)]);
		const methods = ({ messages }: IncomingResponse): unknown[] =>
			messages.map(({ method }) => method);
		expect(methods(prompts)).toEqual([ACKNOWLEDGED, PROMPTS_CHANGED, PROMPTS_CHANGED]);
		expect(methods(resource)).toEqual([ACKNOWLEDGED, UPDATED, UPDATED]);
		expect(resource.text).not.toContain('test://b');
		prompts.destroy();
		resource.destroy();
	});

	it('M7 stream-end: sends an empty result, then closes, when the server ends a subscription', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const subscriptions = [
			await openSubscription(isolateA, 7, TOOLS),
			await openSubscription(isolateB, 'seven', TOOLS),
		];
		await Promise.all(subscriptions.map((subscription) => subscription.waitFor(ACKNOWLEDGED)));
		await deployment.endSubscriptions();
		await Promise.all(subscriptions.map(({ ended }) => ended));
		for (const [index, id] of [7, 'seven'].entries()) {
			const [first, last, ...more] = subscriptions[index]?.messages ?? [];
			expect(first).toMatchObject({ method: ACKNOWLEDGED });
			const { _meta: metadata, ...result } = last?.result ?? {};
			expect(last).toMatchObject({ jsonrpc: '2.0', id });
			expect(metadata).toMatchObject({ [SUBSCRIPTION_ID]: id });
			expect(result).toEqual({ resultType: 'complete' });
			expect(more).toEqual([]);
		}
	});

	it('M7 stream-end: cancels a subscription on disconnect and accepts its id again', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		await expect.poll(() => deployment.countSubscriptions()).toBe(0);
		for (const endpoint of [isolateA, isolateB, isolateA]) {
			const subscription = await openSubscription(endpoint, 7, TOOLS);
			await subscription.waitFor(ACKNOWLEDGED);
			expect(await deployment.countSubscriptions()).toBe(1);
			subscription.destroy();
			await expect.poll(() => deployment.countSubscriptions()).toBe(0);
		}
	});

	it('M8 notifications-across-isolates: delivers a change from either isolate to the subscriptions of both, once each', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const subscriptions = [
			await openSubscription(isolateA, 1, TOOLS),
			await openSubscription(isolateB, 1, TOOLS),
			await openSubscription(isolateB, 2, TOOLS),
		];
		await Promise.all(subscriptions.map((subscription) => subscription.waitFor(ACKNOWLEDGED)));
		for (const endpoint of [isolateA, isolateB]) {
			for (let change = 0; change < 3; change++)
				await emitChange(endpoint, 'notify', { what: 'tools' });
		}
		await Promise.all(subscriptions.map((subscription) => subscription.waitFor(TOOLS_CHANGED, 6)));
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect(subscriptions.map((subscription) => subscription.count(TOOLS_CHANGED))).toEqual([
			6, 6, 6,
		]);
		for (const subscription of subscriptions) subscription.destroy();
	});
});

describeEachDeployment(
	(deployment) => {
		it('M8 notifications-across-isolates: delivers a change of a session to stateless subscriptions, and vice versa', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const [stream, subscription] = [
				await isolateA.openStream(session),
				await openSubscription(isolateB, 1, TOOLS),
			];
			await subscription.waitFor(ACKNOWLEDGED);
			await isolateA.call('notify', session, { what: 'tools' });
			await emitChange(isolateB, 'notify', { what: 'tools' });
			await Promise.all([stream.waitFor(TOOLS_CHANGED, 2), subscription.waitFor(TOOLS_CHANGED, 2)]);
			stream.destroy();
			subscription.destroy();
		});
	},
	{ oneServer: true },
);
