import { expect, it } from 'vitest';

import type { Endpoint } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { emitChange, openSubscription } from './stateless-requests.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';

describeEachDeployment((deployment) => {
	const endpointOf = (subject: string): Endpoint =>
		deployment
			.endpoint('guarded')
			.isolateA.with({ authorization: `Bearer token-${subject}-app-1` });
	const subscribe = async (
		endpoint: Endpoint,
		session: string,
		uri: string,
	): Promise<{ code: number; message: string } | undefined> => {
		const message = { id: 9, method: 'resources/subscribe', params: { uri } };
		const response = await endpoint.post(message, session);
		await response.ended;
		expect(response.status).toBe(200);
		expect(response.rpcResponse.id).toBe(9);
		return response.rpcResponse.error;
	};

	it('subscription to any uri: resources/subscribe is rejected for a uri that its principal may not have', async () => {
		const [allowed, refused] = deployment.ownUris;
		const bob = endpointOf('bob');
		const session = await bob.initialize();
		const stream = await bob.openStream(session);
		expect(await subscribe(bob, session, refused)).toEqual({
			code: -32602,
			message: 'Invalid params: this client may not subscribe to the uri; choose another one',
		});
		expect(await subscribe(bob, session, allowed)).toBeUndefined();
		await bob.call('update', session, { uri: refused });
		await bob.call('update', session, { uri: allowed });
		await stream.waitFor(UPDATED);
		expect(stream.text).not.toContain(refused);
		stream.destroy();

		const ann = endpointOf('ann');
		const own = await ann.initialize();
		expect(await subscribe(ann, own, refused)).toBeUndefined();
	});

	it('subscription to any uri: subscriptions/listen leaves such a uri out of the acknowledgement', async () => {
		const [allowed, refused] = deployment.ownUris;
		const [ann, bob] = [endpointOf('ann'), endpointOf('bob')];
		const filters = { resourceSubscriptions: [refused, allowed] };
		const subscriptions = [
			await openSubscription(bob, 1, filters),
			await openSubscription(ann, 1, filters),
			await openSubscription(bob, 2, { resourceSubscriptions: [refused] }),
		];
		const honored: unknown[] = [];
		for (const subscription of subscriptions) {
			const { params } = await subscription.waitForMessage(ACKNOWLEDGED);
			honored.push(params?.['notifications']);
		}
		expect(honored).toEqual([{ resourceSubscriptions: [allowed] }, filters, {}]);
		await emitChange(bob, 'update', { uri: refused });
		await emitChange(bob, 'update', { uri: allowed });
		await subscriptions[0]?.waitFor(UPDATED);
		expect(subscriptions[0]?.text).not.toContain(refused);
		for (const subscription of subscriptions) subscription.destroy();
	});
});
