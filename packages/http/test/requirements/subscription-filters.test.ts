import { expect, it } from 'vitest';

import type { IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { emitChange, openSubscription } from './stateless-requests.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const LISTS = ['tools', 'prompts', 'resources'];
const ALL_KINDS = {
	toolsListChanged: true,
	promptsListChanged: true,
	resourcesListChanged: true,
	resourceSubscriptions: ['test://a'],
};
const SILENCE_MS = 200;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function manyUris(count: number): string[] {
	return Array.from({ length: count }, (_, index) => `test://many/${index}`);
}

/** Returns the notifications of a stream, except the acknowledgment, each with its resource uri. */
function notificationsOf({ messages }: IncomingResponse): string[] {
	return messages
		.filter(({ method }) => method !== undefined && method !== ACKNOWLEDGED)
		.map(({ method = '', params }) => {
			const uri = params?.['uri'];
			return typeof uri === 'string' ? `${method} ${uri}` : method;
		});
}

describeEachDeployment((deployment) => {
	// The counts cover the three places of the filter: socket tags, the socket's attachment, the Worker.
	it.each([[2], [30], [1_000], [3_000]])(
		'M6 subscription-delivery, M8 notifications-across-isolates: delivers to a subscription of %i uris each of their updates once, from either isolate',
		async (count) => {
			const { isolateA, isolateB } = deployment.endpoint();
			const uris = manyUris(count);
			const subscriptions = [
				await openSubscription(isolateA, 1, { resourceSubscriptions: uris }),
				await openSubscription(isolateB, 1, { resourceSubscriptions: uris }),
			];
			const other = await openSubscription(isolateB, 2, { resourceSubscriptions: ['test://b'] });
			await Promise.all([...subscriptions, other].map((each) => each.waitFor(ACKNOWLEDGED)));
			const updated = [uris[0] ?? '', uris.at(-1) ?? ''];
			for (const endpoint of [isolateA, isolateB]) {
				await emitChange(endpoint, 'update', { uri: `test://many/${count}` });
				await emitChange(endpoint, 'update', { uri: 'test://a' });
				for (const uri of updated) await emitChange(endpoint, 'update', { uri });
			}
			await Promise.all(subscriptions.map((each) => each.waitFor(`"${UPDATED}"`, 4)));
			await pause(SILENCE_MS);
			for (const subscription of subscriptions) {
				expect(notificationsOf(subscription)).toEqual(
					[...updated, ...updated].map((uri) => `${UPDATED} ${uri}`),
				);
			}
			expect(notificationsOf(other)).toEqual([]);
			for (const subscription of [...subscriptions, other]) subscription.destroy();
		},
	);

	it('M6 subscription-delivery: delivers a change once if several filters of a subscription match', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const subscription = await openSubscription(isolateA, 'all', {
			...ALL_KINDS,
			resourceSubscriptions: ['test://a', 'test://b', ...manyUris(20), 'test://a'],
		});
		await subscription.waitFor(ACKNOWLEDGED);
		for (const uri of ['test://a', 'test://b', 'test://many/7']) {
			await emitChange(isolateB, 'update', { uri });
			// An update waits for the lookup of subscribed sessions, which a template has not.
			await subscription.waitFor(`"uri":"${uri}"`);
		}
		for (const what of LISTS) await emitChange(isolateB, 'notify', { what });
		await subscription.waitFor('resources/list_changed');
		await pause(SILENCE_MS);
		expect(notificationsOf(subscription)).toEqual([
			`${UPDATED} test://a`,
			`${UPDATED} test://b`,
			`${UPDATED} test://many/7`,
			...LISTS.map((what) => `notifications/${what}/list_changed`),
		]);
		subscription.destroy();
	});

	it('M6 subscription-delivery: keeps the ids 1 and "1" apart and sends each with its JSON type', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const ids = [1, '1', 1, '1'];
		const subscriptions = [
			await openSubscription(isolateA, 1, ALL_KINDS),
			await openSubscription(isolateA, '1', ALL_KINDS),
			await openSubscription(isolateB, 1, ALL_KINDS),
			await openSubscription(isolateB, '1', ALL_KINDS),
		];
		await Promise.all(subscriptions.map((subscription) => subscription.waitFor(ACKNOWLEDGED)));
		await emitChange(isolateB, 'update', { uri: 'test://a' });
		subscriptions[0]?.destroy();
		await Promise.all(subscriptions.slice(1).map((subscription) => subscription.waitFor(UPDATED)));
		await emitChange(isolateA, 'update', { uri: 'test://a' });
		await Promise.all(
			subscriptions.slice(1).map((subscription) => subscription.waitFor(UPDATED, 2)),
		);
		for (const [index, { messages }] of subscriptions.entries()) {
			const withId = { params: { _meta: { [SUBSCRIPTION_ID]: ids[index] } } };
			expect(messages).toMatchObject(messages.map(() => withId));
		}
		for (const subscription of subscriptions) subscription.destroy();
	});

	it('M6 subscription-delivery: sends the acknowledgment before changes that occur while the subscription opens', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		const finished = new AbortController();
		const emitting = (async () => {
			while (!finished.signal.aborted) await emitChange(isolateB, 'update', { uri: 'test://a' });
		})();
		const subscriptions = await Promise.all(
			Array.from({ length: 20 }, (_, index) => openSubscription(isolateA, index, ALL_KINDS)),
		);
		await Promise.all(subscriptions.map((subscription) => subscription.waitFor(UPDATED)));
		finished.abort();
		await emitting;
		for (const { messages } of subscriptions) {
			expect(messages[0]?.method).toBe(ACKNOWLEDGED);
			expect(messages.filter(({ method }) => method === ACKNOWLEDGED)).toHaveLength(1);
		}
		for (const subscription of subscriptions) subscription.destroy();
	});

	it('M7 stream-end: cancels the subscriptions that the client closes, and no others', async () => {
		const { isolateA, isolateB } = deployment.endpoint();
		await expect.poll(() => deployment.countSubscriptions()).toBe(0);
		const subscriptions = await Promise.all(
			Array.from({ length: 40 }, (_, index) =>
				openSubscription(index % 2 ? isolateA : isolateB, index, ALL_KINDS),
			),
		);
		await Promise.all(subscriptions.map((subscription) => subscription.waitFor(ACKNOWLEDGED)));
		expect(await deployment.countSubscriptions()).toBe(40);
		const [closed, kept] = [subscriptions.slice(0, 30), subscriptions.slice(30)];
		for (const subscription of closed) subscription.destroy();
		await expect.poll(() => deployment.countSubscriptions()).toBe(10);
		await emitChange(isolateA, 'update', { uri: 'test://a' });
		await Promise.all(kept.map((subscription) => subscription.waitFor(UPDATED)));
		expect(kept.map((subscription) => notificationsOf(subscription).length)).toEqual(
			kept.map(() => 1),
		);
		for (const subscription of kept) subscription.destroy();
	});
});

// With one server per session, a change reaches only the session that made it.
describeEachDeployment(
	(deployment) => {
		it('M8 notifications-across-isolates: delivers each kind of change once to session-based and to stateless clients', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
			await (
				await isolateA.post(subscribe, session)
			).ended;
			const streams = [
				await isolateA.openStream(session),
				await openSubscription(isolateA, 1, ALL_KINDS),
				await openSubscription(isolateB, 1, ALL_KINDS),
			];
			await Promise.all(streams.slice(1).map((subscription) => subscription.waitFor(ACKNOWLEDGED)));
			for (const endpoint of [isolateA, isolateB]) {
				for (const what of LISTS) {
					await endpoint.call('notify', session, { what });
					await emitChange(endpoint, 'notify', { what });
				}
				await endpoint.call('update', session, { uri: 'test://a' });
				await emitChange(endpoint, 'update', { uri: 'test://a' });
			}
			await Promise.all(streams.map((each) => each.waitFor(`"${UPDATED}"`, 4)));
			await pause(SILENCE_MS);
			for (const each of streams) {
				const counts = [
					...LISTS.map((what) => `"notifications/${what}/list_changed"`),
					`"${UPDATED}"`,
				];
				expect(counts.map((method) => each.count(method))).toEqual([4, 4, 4, 4]);
			}
			for (const each of streams) each.destroy();
		});
	},
	{ oneServer: true },
);
