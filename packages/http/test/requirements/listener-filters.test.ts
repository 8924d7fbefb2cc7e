import { expect, it } from 'vitest';

import type { Incoming } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { listen, raise } from './listening.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const LISTS = ['tools', 'prompts', 'resources'];
const EVERYTHING = {
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

/** What a listener or a stream was told, without the acknowledgement. */
function told({ messages }: Incoming): string[] {
	return messages
		.filter(({ method }) => method !== undefined && method !== ACKNOWLEDGED)
		.map(({ method = '', params }) => {
			const uri = params?.['uri'];
			return typeof uri === 'string' ? `${method} ${uri}` : method;
		});
}

describeEachDeployment((deployment) => {
	// By tags, by the object's look at its attachment, and by the Worker's at what it asked for.
	it.each([[2], [30], [1_000], [3_000]])(
		'M6 subscription-delivery, M8 notifications-across-isolates: a listener of %i uris is told of these, each update once, wherever it was raised',
		async (count) => {
			const { here, there } = deployment.endpoint();
			const uris = manyUris(count);
			const listeners = [
				await listen(here, 1, { resourceSubscriptions: uris }),
				await listen(there, 1, { resourceSubscriptions: uris }),
			];
			const other = await listen(there, 2, { resourceSubscriptions: ['test://b'] });
			await Promise.all([...listeners, other].map((each) => each.until(ACKNOWLEDGED)));
			const raised = [uris[0] ?? '', uris.at(-1) ?? ''];
			for (const endpoint of [here, there]) {
				await raise(endpoint, 'update', { uri: `test://many/${count}` });
				await raise(endpoint, 'update', { uri: 'test://a' });
				for (const uri of raised) await raise(endpoint, 'update', { uri });
			}
			await Promise.all(listeners.map((each) => each.until(`"${UPDATED}"`, 4)));
			await pause(SILENCE_MS);
			for (const listener of listeners) {
				expect(told(listener)).toEqual([...raised, ...raised].map((uri) => `${UPDATED} ${uri}`));
			}
			expect(told(other)).toEqual([]);
			for (const listener of [...listeners, other]) listener.destroy();
		},
	);

	it('M6 subscription-delivery: what was asked for by uri and by kind is told once, not for each reason', async () => {
		const { here, there } = deployment.endpoint();
		const listener = await listen(here, 'all', {
			...EVERYTHING,
			resourceSubscriptions: ['test://a', 'test://b', ...manyUris(20), 'test://a'],
		});
		await listener.until(ACKNOWLEDGED);
		for (const uri of ['test://a', 'test://b', 'test://many/7'])
			await raise(there, 'update', { uri });
		for (const what of LISTS) await raise(there, 'notify', { what });
		await listener.until('resources/list_changed');
		await pause(SILENCE_MS);
		expect(told(listener)).toEqual([
			`${UPDATED} test://a`,
			`${UPDATED} test://b`,
			`${UPDATED} test://many/7`,
			...LISTS.map((what) => `notifications/${what}/list_changed`),
		]);
		listener.destroy();
	});

	it('M6 subscription-delivery: 1 and "1" are two listeners at a time, and each message carries its own', async () => {
		const { here, there } = deployment.endpoint();
		const ids = [1, '1', 1, '1'];
		const listeners = [
			await listen(here, 1, EVERYTHING),
			await listen(here, '1', EVERYTHING),
			await listen(there, 1, EVERYTHING),
			await listen(there, '1', EVERYTHING),
		];
		await Promise.all(listeners.map((listener) => listener.until(ACKNOWLEDGED)));
		await raise(there, 'update', { uri: 'test://a' });
		listeners[0]?.destroy();
		await Promise.all(listeners.slice(1).map((listener) => listener.until(UPDATED)));
		await raise(here, 'update', { uri: 'test://a' });
		await Promise.all(listeners.slice(1).map((listener) => listener.until(UPDATED, 2)));
		for (const [index, { messages }] of listeners.entries()) {
			const carrying = { params: { _meta: { [SUBSCRIPTION_ID]: ids[index] } } };
			expect(messages).toMatchObject(messages.map(() => carrying));
		}
		for (const listener of listeners) listener.destroy();
	});

	it('M6 subscription-delivery: what is raised while listeners are opened comes after their acknowledgement', async () => {
		const { here, there } = deployment.endpoint();
		const over = new AbortController();
		const raising = (async () => {
			while (!over.signal.aborted) await raise(there, 'update', { uri: 'test://a' });
		})();
		const listeners = await Promise.all(
			Array.from({ length: 20 }, (_, index) => listen(here, index, EVERYTHING)),
		);
		await Promise.all(listeners.map((listener) => listener.until(UPDATED)));
		over.abort();
		await raising;
		for (const { messages } of listeners) {
			expect(messages[0]?.method).toBe(ACKNOWLEDGED);
			expect(messages.filter(({ method }) => method === ACKNOWLEDGED)).toHaveLength(1);
		}
		for (const listener of listeners) listener.destroy();
	});

	it('M7 stream-end: of many listeners of a client, those that it leaves are cancelled, and no other', async () => {
		const { here, there } = deployment.endpoint();
		await expect.poll(() => deployment.listeners(), { timeout: 5_000 }).toBe(0);
		const listeners = await Promise.all(
			Array.from({ length: 40 }, (_, index) => listen(index % 2 ? here : there, index, EVERYTHING)),
		);
		await Promise.all(listeners.map((listener) => listener.until(ACKNOWLEDGED)));
		expect(await deployment.listeners()).toBe(40);
		const [left, staying] = [listeners.slice(0, 30), listeners.slice(30)];
		for (const listener of left) listener.destroy();
		await expect.poll(() => deployment.listeners(), { timeout: 5_000 }).toBe(10);
		await raise(here, 'update', { uri: 'test://a' });
		await Promise.all(staying.map((listener) => listener.until(UPDATED)));
		expect(staying.map((listener) => told(listener).length)).toEqual(staying.map(() => 1));
		for (const listener of staying) listener.destroy();
	});
});

// A session with a server of its own is told of by nobody else.
describeEachDeployment(
	(deployment) => {
		it('M8 notifications-across-isolates: both eras are told of the same change, whatever its kind, each once', async () => {
			const { here, there } = deployment.endpoint();
			const session = await here.initialize();
			const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
			await (
				await here.post(subscribe, session)
			).ended;
			const everybody = [
				await here.openStream(session),
				await listen(here, 1, EVERYTHING),
				await listen(there, 1, EVERYTHING),
			];
			await Promise.all(everybody.slice(1).map((listener) => listener.until(ACKNOWLEDGED)));
			for (const endpoint of [here, there]) {
				for (const what of LISTS) {
					await endpoint.call('notify', session, { what });
					await raise(endpoint, 'notify', { what });
				}
				await endpoint.call('update', session, { uri: 'test://a' });
				await raise(endpoint, 'update', { uri: 'test://a' });
			}
			await Promise.all(everybody.map((each) => each.until(`"${UPDATED}"`, 4)));
			await pause(SILENCE_MS);
			for (const each of everybody) {
				const counts = [
					...LISTS.map((what) => `"notifications/${what}/list_changed"`),
					`"${UPDATED}"`,
				];
				expect(counts.map((method) => each.count(method))).toEqual([4, 4, 4, 4]);
			}
			for (const each of everybody) each.destroy();
		});
	},
	{ oneServer: true },
);
